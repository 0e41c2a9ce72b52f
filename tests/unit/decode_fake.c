#include "decode_fake.h"

#include <errno.h>
#include <string.h>

struct fake_memory memory;

static int fake_read(struct decode_source *src, uint64_t addr, void *buf, size_t len)
{
	struct fake_memory *m = (struct fake_memory *)src;
	m->asked++;
	if (addr < MEMORY_BASE || addr - MEMORY_BASE > MEMORY_SIZE || len > MEMORY_SIZE - (addr - MEMORY_BASE))
		return -EFAULT;
	memcpy(buf, m->bytes + (addr - MEMORY_BASE), len);
	return 0;
}

static ssize_t fake_read_string(struct decode_source *src, uint64_t addr, char *buf, size_t max, bool *ret_complete)
{
	for (size_t i = 0; i < max; i++) {
		if (fake_read(src, addr + i, buf + i, 1) < 0)
			return -EFAULT;
		if (!buf[i]) {
			*ret_complete = true;
			return (ssize_t)i;
		}
	}
	*ret_complete = false;
	return (ssize_t)max;
}

static ssize_t fake_fd_path(struct decode_source *src, int fd, char *buf, size_t size)
{
	((struct fake_memory *)src)->asked++;
	if (fd == 7)
		return -EBADF;
	return snprintf(buf, size, "/fd/%d", fd);
}

static ssize_t fake_fd_socket(struct decode_source *src, int fd, char *buf, size_t size)
{
	((struct fake_memory *)src)->asked++;
	if (fd == 12 || fd == 13)
		return snprintf(buf, size, fd == 12 ? "NETLINK:[NETFILTER:7]" : "NETLINK:[SOCK_DIAG:7]");
	if (fd == 14)
		return snprintf(buf, size, "NETLINK:[4711]");
	if (fd == 5)
		return snprintf(buf, size, "NETLINK:[ROUTE:7]");
	return fd == 3 ? snprintf(buf, size, "TCP:[127.0.0.1:80]") : -EINVAL;
}

static int fake_pid_note(struct decode_source *src UNUSED, pid_t pid, struct pid_note *ret)
{
	if (pid == 7)
		return -ESRCH;
	*ret = (struct pid_note){.here = pid + 1000, .comm = "exactly16letters"};
	return 0;
}

static ssize_t fake_interface_name(struct decode_source *src UNUSED, uint32_t index, char *buf, size_t size)
{
	return index == 2 ? snprintf(buf, size, "eth0") : -ENXIO;
}

static const struct decode_source_ops fake_ops = {
	.pid_note = fake_pid_note, .interface_name = fake_interface_name,
	.read = fake_read, .read_string = fake_read_string, .fd_path = fake_fd_path, .fd_socket = fake_fd_socket,
};

struct decode_options options;

void setup(void)
{
	memset(&memory, 0, sizeof(memory));
	memory.base.ops = &fake_ops;
	options = (struct decode_options){.string_limit = 32};
}

uint64_t put(size_t at, const void *bytes, size_t len)
{
	memcpy(memory.bytes + at, bytes, len);
	return MEMORY_BASE + at;
}

void text_of(struct decode_call call, const struct decode_result *result, struct decode_source *src, struct strbuf *out)
{
	struct text_printer t;
	text_printer_init(&t, out, &options);
	strbuf_adds(out, call_desc(call.id)->name);
	strbuf_addc(out, '(');
	unsigned first = decode_enter(&call, &options, src, &t.base);
	text_printer_init(&t, out, &options);
	decode_exit(&call, result, first, &options, src, &t.base);
	strbuf_adds(out, ") ");
	decode_result_text(&call, result, &options, src, out);
}

void expect(const char *want, const char *name, int64_t value, const uint64_t args[6])
{
	struct strbuf AUTO_STRBUF out = {0};
	struct decode_call call = {.id = call_from_name(name, strlen(name)), .abi = ABI_X86_64};
	struct decode_result result = {.value = value, .is_error = value < 0 && value >= -4095};
	memcpy(call.args, args, sizeof(call.args));
	text_of(call, &result, &memory.base, &out);
	ck_assert_str_eq(strbuf_str(&out), want);
}
