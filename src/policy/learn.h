/*
 * From what a run did to the smallest readable policy that allows it.
 *
 * Input is what `trapline trace --json -y` writes: one object a line. Paths are gathered into two sets, read and
 * written; a directory of which several entries were used stands for them, /proc/PID for /proc, and temporary files for
 * their directory. What has no path is allowed by name.
 */
#ifndef TRAPLINE_POLICY_LEARN_H
#define TRAPLINE_POLICY_LEARN_H

#include "base/errors.h"
#include "base/strbuf.h"
#include "policy/model.h"

struct learner;

/*
 * cwd: where relative paths start. resolve: symbolic links are followed as they stand on this machine now, since
 * decisions are made on resolved paths; without it paths are taken by their letters (tests).
 */
MUST_CHECK int learner_create(const char *cwd, bool resolve, struct learner **ret);
void learner_destroy(struct learner *l);
/* One line. 0 also for a line that is no call; -EINVAL when it is no JSON object; -ENOMEM. */
MUST_CHECK int learner_line(struct learner *l, const char *line, size_t len);
/* Append the policy. */
void learner_write(const struct learner *l, struct strbuf *out);
/* Append a line for each thing that was done and that the policy would not let pass; their number. */
size_t learner_difference(const struct learner *l, const struct policy *p, struct strbuf *out);

#endif
