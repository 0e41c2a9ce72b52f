#include "scmp_profile.h"

#include <check.h>
#include <string.h>
#include <sys/mman.h>

#define SHIPPED "/usr/share/containers/seccomp.json"

static const char *member(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static uint32_t scmp_action(const char *name, const json_t *err)
{
	if (!strcmp(name, "SCMP_ACT_ALLOW"))
		return SCMP_ACT_ALLOW;
	if (!strcmp(name, "SCMP_ACT_KILL") || !strcmp(name, "SCMP_ACT_KILL_PROCESS"))
		return SCMP_ACT_KILL_PROCESS;
	if (!strcmp(name, "SCMP_ACT_LOG"))
		return SCMP_ACT_LOG;
	return SCMP_ACT_ERRNO(json_is_integer(err) ? (uint32_t)json_integer_value(err) : EPERM);
}

static enum scmp_compare scmp_op(const char *name)
{
	static const char *const names[] = {
		[SCMP_CMP_NE] = "SCMP_CMP_NE", [SCMP_CMP_LT] = "SCMP_CMP_LT", [SCMP_CMP_LE] = "SCMP_CMP_LE",
		[SCMP_CMP_EQ] = "SCMP_CMP_EQ", [SCMP_CMP_GE] = "SCMP_CMP_GE", [SCMP_CMP_GT] = "SCMP_CMP_GT",
		[SCMP_CMP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
	};

	for (size_t i = 1; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i], name))
			return (enum scmp_compare)i;
	}
	return _SCMP_CMP_MIN;
}

bool scmp_profile_list_has(const json_t *list, const char *s)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v) {
		if (!strcmp(json_string_value(v), s))
			return true;
	}
	return false;
}

static bool has_cap(const char *const *caps, const char *cap)
{
	for (; *caps; caps++) {
		if (!strcmp(*caps, cap))
			return true;
	}
	return false;
}

static bool rule_is_on(const json_t *rule, const char *const *caps)
{
	const json_t *in = json_object_get(rule, "includes"), *ex = json_object_get(rule, "excludes"), *v;
	size_t i;

	json_array_foreach(json_object_get(in, "caps"), i, v) {
		if (!has_cap(caps, json_string_value(v)))
			return false;
	}
	json_array_foreach(json_object_get(ex, "caps"), i, v) {
		if (has_cap(caps, json_string_value(v)))
			return false;
	}
	if (json_array_size(json_object_get(in, "arches")) && !scmp_profile_list_has(json_object_get(in, "arches"), "amd64"))
		return false;
	return !scmp_profile_list_has(json_object_get(ex, "arches"), "amd64");
}

static void add_rule(scmp_filter_ctx ctx, uint32_t action, int nr, const json_t *args)
{
	struct scmp_arg_cmp cmps[6];
	const json_t *arg;
	size_t i;
	unsigned seen = 0;
	bool twice = false;

	json_array_foreach(args, i, arg) {
		unsigned index = (unsigned)json_integer_value(json_object_get(arg, "index"));

		cmps[i] = (struct scmp_arg_cmp){
			.arg = index, .op = scmp_op(member(arg, "op")),
			.datum_a = (uint64_t)json_integer_value(json_object_get(arg, "value")),
			.datum_b = (uint64_t)json_integer_value(json_object_get(arg, "valueTwo")),
		};
		twice = twice || (seen >> index & 1);
		seen |= 1u << index;
	}
	for (i = 0; twice && i < json_array_size(args); i++)
		(void)seccomp_rule_add_array(ctx, action, nr, 1, &cmps[i]);
	if (!twice)
		(void)seccomp_rule_add_array(ctx, action, nr, (unsigned)json_array_size(args), cmps);
}

scmp_filter_ctx scmp_profile_filter(const json_t *root, const char *const *caps)
{
	uint32_t fallback = scmp_action(member(root, "defaultAction"), json_object_get(root, "defaultErrnoRet"));
	scmp_filter_ctx ctx = seccomp_init(fallback);
	const json_t *rule, *name;
	size_t i, j;

	ck_assert_ptr_nonnull(ctx);
	ck_assert_int_eq(seccomp_arch_add(ctx, SCMP_ARCH_X86), 0);
	ck_assert_int_eq(seccomp_arch_add(ctx, SCMP_ARCH_X32), 0);
	json_array_foreach(json_object_get(root, "syscalls"), i, rule) {
		uint32_t action = scmp_action(member(rule, "action"), json_object_get(rule, "errnoRet"));

		if (action == fallback || !rule_is_on(rule, caps))
			continue;
		json_array_foreach(json_object_get(rule, "names"), j, name) {
			int nr = seccomp_syscall_resolve_name(json_string_value(name));

			if (nr != __NR_SCMP_ERROR)
				add_rule(ctx, action, nr, json_object_get(rule, "args"));
		}
	}
	return ctx;
}

size_t scmp_profile_export(scmp_filter_ctx ctx, struct sock_filter *insns, size_t max)
{
	int fd = memfd_create("bpf", MFD_CLOEXEC);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(seccomp_export_bpf(ctx, fd), 0);
	n = pread(fd, insns, max * sizeof(*insns), 0);
	ck_assert_int_gt(n, 0);
	close(fd);
	return (size_t)n / sizeof(*insns);
}

void scmp_profile_shipped(struct strbuf *to)
{
	char buf[65536];
	FILE *f = fopen(SHIPPED, "re");
	size_t n;

	strbuf_init(to);
	if (!f) {
		fprintf(stderr, "SKIP: " SHIPPED " (package golang-github-containers-common) is not installed\n");
		return;
	}
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(to, buf, n);
	fclose(f);
}
