/*
 * process_vm_readv(2) first: it needs no stop, no descriptor and one system call. It checks permission at each call and
 * refuses what ptrace already allows (a set-user-ID guest, a filter that forbids it), so word-wise PTRACE_PEEKDATA
 * stands behind it; that works only in the thread that traces a stopped task, and fails with ESRCH elsewhere.
 */
#include "tracer/memory.h"

#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

enum { PAGE = 4096, FIRST_CHUNK = 256 };

static int peek_word(pid_t tid, uint64_t addr, long *ret)
{
	errno = 0;
	*ret = ptrace(PTRACE_PEEKDATA, tid, (void *)addr, NULL);
	return errno == EIO ? -EFAULT : -errno;
}

static int peek_read(pid_t tid, uint64_t addr, void *buf, size_t len)
{
	uint8_t *to = buf;
	while (len) {
		uint64_t base = addr & ~UINT64_C(7);
		size_t skip = addr - base;
		size_t take = 8 - skip < len ? 8 - skip : len;
		long word;
		int r = peek_word(tid, base, &word);
		if (r < 0)
			return r;
		memcpy(to, (const uint8_t *)&word + skip, take);
		to += take;
		addr += take;
		len -= take;
	}
	return 0;
}

int memory_poke(pid_t tid, uint64_t addr, const void *buf, size_t len)
{
	const uint8_t *from = buf;
	while (len) {
		uint64_t base = addr & ~UINT64_C(7);
		size_t skip = addr - base;
		size_t take = 8 - skip < len ? 8 - skip : len;
		long word;
		int r = peek_word(tid, base, &word);
		if (r < 0)
			return r;
		memcpy((uint8_t *)&word + skip, from, take);
		if (ptrace(PTRACE_POKEDATA, tid, (void *)base, (void *)word) < 0)
			return errno == EIO ? -EFAULT : -errno;
		from += take;
		addr += take;
		len -= take;
	}
	return 0;
}

static bool refused(int err)
{
	return err == EPERM || err == ENOSYS;
}

int memory_read_as_stranger(pid_t tid, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = {buf, len};
	struct iovec remote = {(void *)addr, len};
	ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);
	if (n < 0)
		return -errno;
	return n == (ssize_t)len ? 0 : -EFAULT;
}

int memory_read(pid_t tid, uint64_t addr, void *buf, size_t len)
{
	if (!len)
		return 0;
	if (addr + len < addr)
		return -EFAULT;
	struct iovec local = {buf, len};
	struct iovec remote = {(void *)addr, len};
	ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);
	if (n == (ssize_t)len)
		return 0;
	if (n >= 0)
		return -EFAULT;
	return refused(errno) ? peek_read(tid, addr, buf, len) : -errno;
}

int memory_write(pid_t tid, uint64_t addr, const void *buf, size_t len)
{
	if (!len)
		return 0;
	if (addr + len < addr)
		return -EFAULT;
	struct iovec local = {(void *)buf, len};
	struct iovec remote = {(void *)addr, len};
	ssize_t n = process_vm_writev(tid, &local, 1, &remote, 1, 0);
	if (n == (ssize_t)len)
		return 0;
	if (n >= 0)
		return -EFAULT;
	return refused(errno) ? memory_poke(tid, addr, buf, len) : -errno;
}

/*
 * Up to len bytes, as many as there are before an unmapped page. process_vm_readv stops between its remote vectors,
 * not inside one, so the range is cut at page boundaries.
 */
static ssize_t read_some(pid_t tid, uint64_t addr, char *buf, size_t len)
{
	struct iovec local = {buf, len};
	struct iovec remote[PAGE * 2 / PAGE + 1];
	size_t n = 0;
	size_t covered = 0;
	while (covered < len && n < ARRAY_SIZE(remote)) {
		size_t part = PAGE - (addr + covered) % PAGE;
		if (part > len - covered)
			part = len - covered;
		remote[n++] = (struct iovec){(void *)(addr + covered), part};
		covered += part;
	}
	ssize_t got = process_vm_readv(tid, &local, 1, remote, n, 0);
	if (got >= 0)
		return got;
	if (!refused(errno))
		return -errno;
	/* Word by word up to the end of the page: the caller asks again for more. */
	size_t page = remote[0].iov_len;
	int r = peek_read(tid, addr, buf, page);
	return r < 0 ? r : (ssize_t)page;
}

ssize_t memory_read_string(pid_t tid, uint64_t addr, char *buf, size_t max, bool *ret_complete)
{
	size_t have = 0;
	size_t chunk = FIRST_CHUNK;
	*ret_complete = false;
	while (have < max) {
		size_t want = max - have < chunk ? max - have : chunk;
		ssize_t got = read_some(tid, addr + have, buf + have, want);
		if (got <= 0)
			return got < 0 && got != -EFAULT ? got : -EFAULT;
		const char *nul = memchr(buf + have, '\0', (size_t)got);
		if (nul) {
			*ret_complete = true;
			return nul - buf;
		}
		have += (size_t)got;
		chunk = PAGE;
	}
	/* Exactly max bytes: one more tells whether the string ends here. */
	char last;
	if (memory_read(tid, addr + have, &last, 1) == 0 && last == '\0')
		*ret_complete = true;
	return (ssize_t)have;
}
