/* Address spaces with the loader in them, and the tasks that run there. */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/log.h"
#include "tracer/stub/stub_private.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59	/* Linux 5.11 */
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U	/* Linux 6.3 */
#endif

/* ---- the table; the lock is held ---- */

static struct stub_member **find(struct stub *st, pid_t tid)
{
	struct stub_member **at = &st->members[(unsigned)tid % STUB_BUCKETS];
	while (*at && (*at)->tid != tid)
		at = &(*at)->next;
	return at;
}

struct stub_space *stub_space_of(struct stub *st, pid_t tid, bool or_lent)
{
	const struct stub_member *m = *find(st, tid);
	return m && (or_lent || !m->lent) ? m->space : NULL;
}

void stub_space_put(struct stub_space *space)
{
	if (--space->refs)
		return;
	if (space->line)
		(void)munmap(space->line, sizeof(*space->line));
	free(space);
}

static void remove_member(struct stub *st, pid_t tid)
{
	struct stub_member **at = find(st, tid), *m = *at;
	if (!m)
		return;
	*at = m->next;
	if (m->tid == m->space->tgid)
		atomic_store(&m->space->ended, true);
	stub_space_put(m->space);
	free(m);
}

static bool add_member(struct stub *st, pid_t tid, struct stub_space *space, bool lent)
{
	struct stub_member *m = malloc(sizeof(*m));
	if (!m)
		return false;
	remove_member(st, tid);
	struct stub_member **head = &st->members[(unsigned)tid % STUB_BUCKETS];
	*m = (struct stub_member){.next = *head, .tid = tid, .lent = lent, .space = space};
	space->refs++;
	*head = m;
	return true;
}

/* Lines of processes that are gone are let go where one is added, and when the thread looks. */
static void forget_line(struct stub *st, struct stub_space **at)
{
	stub_space_put(*at);
	*at = NULL;
	atomic_fetch_add(&st->changes, 1);
}

static bool keep_line(struct stub *st, struct stub_space *space)
{
	struct stub_space **to = NULL;
	for (size_t i = 0; i < STUB_LINES_MAX; i++) {
		struct stub_space **at = &st->lines[i];
		if (*at && atomic_load(&(*at)->ended))
			forget_line(st, at);
		if (!*at)
			to = at;
	}
	if (!to)
		return false;
	*to = space;
	space->refs++;
	atomic_fetch_add(&st->changes, 1);
	return true;
}

/* ---- what is told ---- */

void stub_execed(struct session *s, pid_t former, pid_t tid, uint64_t base)
{
	struct stub *st = s->stub;
	if (!st)
		return;
	struct stub_space *fresh = base ? calloc(1, sizeof(*fresh)) : NULL;
	(void)pthread_mutex_lock(&st->lock);
	remove_member(st, former);
	remove_member(st, tid);
	if (fresh) {
		*fresh = (struct stub_space){.refs = 1, .tgid = tid, .base = base};
		(void)add_member(st, tid, fresh, false);
		stub_space_put(fresh);
	}
	(void)pthread_mutex_unlock(&st->lock);
}

/* A copy of the parent's memory, but for the line; and the control page is empty. */
static struct stub_space *copy_space(const struct stub_space *from, pid_t tgid)
{
	struct stub_space *to = malloc(sizeof(*to));
	if (!to)
		return NULL;
	*to = (struct stub_space){.refs = 1, .tgid = tgid, .base = from->base, .control = from->control, .site_count = from->site_count};
	memcpy(to->sites, from->sites, sizeof(to->sites));
	atomic_init(&to->trampolines, atomic_load(&from->trampolines));
	return to;
}

void stub_forked(struct session *s, pid_t parent, pid_t child, unsigned long flags)
{
	struct stub *st = s->stub;
	if (!st)
		return;
	(void)pthread_mutex_lock(&st->lock);
	const struct stub_member *maker = *find(st, parent);
	struct stub_space *space = maker ? maker->space : NULL, *copy = NULL;
	if (space && flags & CLONE_VM) {
		bool thread = flags & CLONE_THREAD;
		/* Who made a child by vfork waits for it; but nobody for what that child makes. */
		space->shared |= !thread && (maker->lent || !(flags & CLONE_VFORK));
		(void)add_member(st, child, space, maker->lent || !thread);
	} else if (space) {
		copy = copy_space(space, child);
	}
	if (copy) {
		(void)add_member(st, child, copy, false);
		stub_space_put(copy);
	}
	(void)pthread_mutex_unlock(&st->lock);
}

void stub_ended(struct session *s, pid_t tid)
{
	struct stub *st = s->stub;
	if (!st)
		return;
	(void)pthread_mutex_lock(&st->lock);
	remove_member(st, tid);
	(void)pthread_mutex_unlock(&st->lock);
}

/* The lock is not held: the guest's memory may take its time. tid waits, so what it runs in stays. */
static void refuse(const struct stub_space *space, pid_t tid)
{
	const uint64_t refused = 1;
	uint64_t at = space->base + loader_symbols.stub_room + offsetof(struct stub_room, refused);
	if (stub_write_room(tid, at, &refused, sizeof(refused)) < 0)
		log_debug("process %d is refused a line, and cannot be told", tid);
}

static struct stub_space *ref_space_of(struct stub *st, pid_t tid, bool or_lent)
{
	(void)pthread_mutex_lock(&st->lock);
	struct stub_space *space = stub_space_of(st, tid, or_lent);
	if (space)
		space->refs++;
	(void)pthread_mutex_unlock(&st->lock);
	return space;
}

static void unref_space(struct stub *st, struct stub_space *space)
{
	(void)pthread_mutex_lock(&st->lock);
	if (space)
		stub_space_put(space);
	(void)pthread_mutex_unlock(&st->lock);
}

void stub_bar(struct session *s, pid_t tid)
{
	struct stub *st = s->stub;
	if (!st)
		return;
	atomic_store(&st->barred, true);
	struct stub_space *space = ref_space_of(st, tid, true);
	if (space && atomic_load(&space->trampolines))
		refuse(space, tid);
	unref_space(st, space);
}

/* ---- the stub's own call ---- */

bool stub_asks(const struct session *s, const struct call_event *ev)
{
	return s->stub && ev->id == CALL_openat && ev->args[0] == LOADER_CALL && ev->args[1] == LOADER_ASK_LINE;
}

/* Of a size that the guest cannot change: it would be our fault, where it ends. */
static int make_line(struct line **ret)
{
	int fd = memfd_create("trapline-line", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("trapline-line", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	int r = ftruncate(fd, sizeof(struct line)) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ?
		-errno : 0;
	void *at = r < 0 ? MAP_FAILED : mmap(NULL, sizeof(struct line), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (r == 0 && at == MAP_FAILED)
		r = -errno;
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	*ret = at;
	return fd;
}

/* The lock is held. What the process had before it forked is not its own. */
static int take_line(struct stub *st, struct stub_space *space, struct line *line, uint64_t control)
{
	if (space->line || atomic_load(&st->barred) || stub_thread_start(st) < 0)
		return -EBUSY;
	if (!keep_line(st, space))
		return -ENOSPC;
	space->control = control;
	space->line = line;
	return 0;
}

static int give_line(struct stub *st, struct stub_space *space, const struct call_event *ev)
{
	struct line *line = NULL;
	const uint64_t control = ev->args[3];
	uint64_t at = space->base + loader_symbols.stub_room + offsetof(struct stub_room, control);
	int r = control == space->control ? 0 : stub_write_room(ev->tid, at, &control, sizeof(control));
	int fd = r < 0 ? r : make_line(&line);
	if (fd < 0)
		return fd;
	(void)pthread_mutex_lock(&st->lock);
	r = take_line(st, space, line, control);
	(void)pthread_mutex_unlock(&st->lock);
	if (r == 0)
		return fd;
	(void)munmap(line, sizeof(*line));
	(void)close(fd);
	return r;
}

struct verdict stub_answer_ask(struct session *s, const struct call_event *ev)
{
	struct stub *st = s->stub;
	struct stub_space *space = ref_space_of(st, ev->tid, false);
	int fd = !space || !atomic_load(&space->trampolines) ? -EBUSY : give_line(st, space, ev);
	if (fd < 0 && space && (fd != -EBUSY || atomic_load(&st->barred)))
		refuse(space, ev->tid);
	unref_space(st, space);
	return fd < 0 ? verdict_value(fd) : verdict_fd(fd, true);
}

/* ---- calls that came by notification ---- */

/* Opens go by a line only to fail. */
static bool goes_by_line(const struct call_event *ev, const struct verdict *v)
{
	bool opens = ev->id == CALL_open || ev->id == CALL_openat;
	return !opens || (v->kind == VERDICT_VALUE && v->value == -ENOENT);
}

/*
 * Is it to be patched now? counts: the call could have gone by a line; where half could not, or more, none does. The lock
 * is held.
 */
static bool count_call(const struct stub *st, struct stub_space *space, const struct call_event *ev, bool counts)
{
	struct stub_site *site = NULL;
	for (unsigned i = 0; i < space->site_count && !site; i++)
		site = space->sites[i].ip == ev->ip ? &space->sites[i] : NULL;
	if (!site && space->site_count < STUB_SITES) {
		site = &space->sites[space->site_count++];
		*site = (struct stub_site){.ip = ev->ip};
	}
	if (site && !counts && site->calls != UINT32_MAX)
		site->calls -= site->calls > 0;
	if (!site || !counts || site->calls == UINT32_MAX || ++site->calls < (st->always ? 1 : STUB_CALLS_TO_PATCH))
		return false;
	site->calls = UINT32_MAX;
	return !space->shared;
}

static void patch(struct stub_space *space, const struct call_event *ev)
{
	int r = stub_patch(space, ev);
	if (r < 0)
		log_debug("process %d: the call at %#llx keeps stopping: %s", ev->tid, (unsigned long long)ev->ip, strerror(-r));
}

/* Another filter, or the program's own catching of calls, is to see them. */
static bool filters_calls(const struct call_event *ev)
{
	return ev->id == CALL_seccomp ||
	       (ev->id == CALL_prctl && ((int)ev->args[0] == PR_SET_SECCOMP || (int)ev->args[0] == PR_SET_SYSCALL_USER_DISPATCH));
}

void stub_saw(struct session *s, const struct call_event *ev, const struct verdict *v)
{
	struct stub *st = s->stub;
	bool wakes = false, patches = false;
	int path_arg;
	if (st && filters_calls(ev))
		stub_bar(s, ev->tid);
	if (!st || ev->abi != host_abi() || !stub_takes(ev->id, &path_arg) ||
	    atomic_load_explicit(&st->barred, memory_order_relaxed))
		return;
	bool counts = goes_by_line(ev, v);
	(void)pthread_mutex_lock(&st->lock);
	struct stub_space *space = stub_space_of(st, ev->tid, false);
	if (space && space->line && counts)
		wakes = stub_wants_thread(st);
	if (space && space->tgid == ev->tid)
		patches = count_call(st, space, ev, counts);
	if (patches)
		space->refs++;
	(void)pthread_mutex_unlock(&st->lock);
	if (patches) {
		patch(space, ev);
		unref_space(st, space);
	}
	if (wakes)
		stub_thread_wake(st);
}

/* ---- start and end ---- */

/*
 * Only where the file kernel alone answers: what is recorded or decided has to be seen. And not on one processor, where
 * spinning is in the way of who is waited for.
 */
static bool has_use(const struct session *s)
{
	const struct session_options *o = s->options;
	cpu_set_t cpus;
	return loader_symbols.stub_entry && o->stub != STUB_NEVER && s->files && s->mechanism == MECHANISM_NOTIFY && s->uses_ptrace && !s->decides &&
	       call_set_empty(&s->recorded) && !o->probe && sched_getaffinity(0, sizeof(cpus), &cpus) == 0 &&
	       (CPU_COUNT(&cpus) > 1 || o->stub == STUB_ALWAYS);
}

void stub_start(struct session *s)
{
	if (!has_use(s))
		return;
	struct stub *st = calloc(1, sizeof(*st));
	if (!st)
		return;
	st->session = s;
	(void)pthread_mutex_init(&st->lock, NULL);
	st->always = s->options->stub == STUB_ALWAYS;
	atomic_store(&st->patience, st->always ? 0 : 1);
	s->stub = st;
}

void stub_finish(struct session *s)
{
	struct stub *st = s->stub;
	if (!st)
		return;
	stub_thread_finish(st);
	for (size_t i = 0; i < STUB_LINES_MAX; i++) {
		if (st->lines[i])
			forget_line(st, &st->lines[i]);
	}
	for (size_t i = 0; i < STUB_BUCKETS; i++) {
		while (st->members[i])
			remove_member(st, st->members[i]->tid);
	}
	(void)pthread_mutex_destroy(&st->lock);
	free(st);
	s->stub = NULL;
}
