/* Where files that nobody is to see for long are made. */
#ifndef TRAPLINE_BASE_TMP_DIR_H
#define TRAPLINE_BASE_TMP_DIR_H

/* $TMPDIR, or NULL where it says nothing (environ(7)). */
const char *tmp_dir_asked(void);
/* $TMPDIR, else /tmp. */
const char *tmp_dir(void);

#endif
