#include "cli/costs.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

enum { VERSION = 1, FILE_MAX = 65536 };

/* ---- where ---- */

/* The file's name; -ENOENT when the environment names no place. */
static int file_name(char *path, size_t size)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;

	/* A relative one is to be ignored: XDG Base Directory Specification. */
	if (cache && cache[0] == '/')
		n = snprintf(path, size, "%s/trapline/costs.json", cache);
	else if (home && home[0] == '/')
		n = snprintf(path, size, "%s/.cache/trapline/costs.json", home);
	else
		return -ENOENT;
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* A home directory may be shared by machines: prices are one machine's. */
static void machine_name(char *to, size_t size)
{
	struct utsname u;
	AUTO_FCLOSE FILE *f = fopen("/etc/machine-id", "re");

	if (f && fgets(to, (int)size, f)) {
		to[strcspn(to, "\n")] = '\0';
		if (*to)
			return;
	}
	(void)snprintf(to, size, "%s", uname(&u) < 0 ? "" : u.nodename);
}

/* Every directory of the path. */
static int make_directories(const char *path)
{
	AUTO_FREE char *copy = strdup(path);

	for (char *slash = copy ? strchr(copy + 1, '/') : NULL; slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return copy ? 0 : -ENOMEM;
}

/* ---- the file ---- */

/* 0 with *ret owned by the caller, -ENOENT without a word, or a negative errno with the reason in why. */
static int read_file(const char *path, json_t **ret, char why[COSTS_WHY_MAX])
{
	char machine[256];
	json_error_t error;
	struct stat st;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0) {
		int err = -errno;

		(void)snprintf(why, COSTS_WHY_MAX, "%s", strerror(-err));
		return err;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		(void)snprintf(why, COSTS_WHY_MAX, "it is not a small file");
		return -EINVAL;
	}
	json_t *root = json_loadfd(fd, 0, &error);

	if (!root) {
		(void)snprintf(why, COSTS_WHY_MAX, "line %d: %.200s", error.line, error.text);
		return -EINVAL;
	}
	machine_name(machine, sizeof(machine));
	const char *of = json_string_value(json_object_get(root, "machine"));

	if (json_integer_value(json_object_get(root, "version")) != VERSION)
		(void)snprintf(why, COSTS_WHY_MAX, "it is not of version %d", VERSION);
	else if (!of || strcmp(of, machine) != 0)
		(void)snprintf(why, COSTS_WHY_MAX, "it is another machine's");
	else if (!json_is_object(json_object_get(root, "calls")))
		(void)snprintf(why, COSTS_WHY_MAX, "it has no \"calls\"");
	else {
		*ret = root;
		return 0;
	}
	json_decref(root);
	return -EINVAL;
}

static int write_whole(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Beside the file, then over it: whoever reads sees the old one or the new one. */
static int replace_file(const char *path, const char *text)
{
	char temporary[PATH_MAX];
	int n = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path), r;

	if (n < 0 || (size_t)n >= sizeof(temporary))
		return -ENAMETOOLONG;
	AUTO_CLOSE int fd = mkostemp(temporary, O_CLOEXEC);

	if (fd < 0)
		return -errno;
	r = write_whole(fd, text, strlen(text));
	if (!r && (fsync(fd) < 0 || rename(temporary, path) < 0))
		r = -errno;
	if (r)
		(void)unlink(temporary);
	return r;
}

static json_t *to_json(const struct plan_costs *measured, json_t *before)
{
	char date[24], machine[256];
	time_t now = time(NULL);
	struct tm tm;
	json_t *calls = before ? json_deep_copy(json_object_get(before, "calls")) : json_object();

	(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	for (int kind = 0; kind < COST_KINDS; kind++) {
		const struct plan_cost *c = &measured->of[kind];

		if (c->ns > 0)
			(void)json_object_set_new(calls, plan_cost_name((enum plan_cost_kind)kind),
						  json_pack("{s:f, s:f, s:s}", "ns", c->ns, "native_ns", c->native_ns,
							    "date", date));
	}
	machine_name(machine, sizeof(machine));
	return json_pack("{s:i, s:s, s:o}", "version", VERSION, "machine", machine, "calls", calls);
}

static int store(const char *path, const struct plan_costs *measured)
{
	char why[COSTS_WHY_MAX];
	json_t *before = NULL, *root;
	char *text;
	int r = make_directories(path);

	if (r < 0)
		return r;
	/* One that cannot be used gives way. */
	if (read_file(path, &before, why) < 0)
		before = NULL;
	root = to_json(measured, before);
	text = root ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) : NULL;
	r = text ? replace_file(path, text) : -ENOMEM;
	free(text);
	json_decref(root);
	json_decref(before);
	return r;
}

int costs_store(const struct plan_costs *measured, char *path, size_t size, char why[COSTS_WHY_MAX])
{
	int r = file_name(path, size);

	if (r < 0) {
		(void)snprintf(why, COSTS_WHY_MAX, "neither XDG_CACHE_HOME nor HOME names a place");
		return r;
	}
	r = store(path, measured);
	if (r < 0)
		(void)snprintf(why, COSTS_WHY_MAX, "%.400s: %s", path, strerror(-r));
	return r;
}

/* Whether all of it makes sense; nothing else of a file that a person may have touched is believed. */
static bool take_cost(const json_t *entry, struct plan_cost *ret)
{
	double ns = json_number_value(json_object_get(entry, "ns"));
	double native = json_number_value(json_object_get(entry, "native_ns"));
	const char *date = json_string_value(json_object_get(entry, "date"));

	if (!(ns > 0 && ns < 1e12 && native > 0 && native < 1e12) || !date || strlen(date) < 10 ||
	    strlen(date) >= sizeof(ret->date) || date[strspn(date, "0123456789-T:Z")])
		return false;
	*ret = (struct plan_cost){.ns = ns, .native_ns = native};
	(void)snprintf(ret->date, sizeof(ret->date), "%s", date);
	return true;
}

static void take_costs(const json_t *root, const char *path, struct plan_costs *ret, char why[COSTS_WHY_MAX])
{
	unsigned measured = 0;
	const char *newest = "";

	for (int kind = 0; kind < COST_KINDS; kind++) {
		const json_t *entry = json_object_get(json_object_get(root, "calls"),
						      plan_cost_name((enum plan_cost_kind)kind));

		if (!entry || !take_cost(entry, &ret->of[kind]))
			continue;
		measured++;
		newest = strcmp(ret->of[kind].date, newest) > 0 ? ret->of[kind].date : newest;
	}
	if (measured)
		(void)snprintf(why, COSTS_WHY_MAX, "measured here, %u of %d (bench latency, %.10s; %.300s)", measured,
			       COST_KINDS, newest, path);
	else
		(void)snprintf(why, COSTS_WHY_MAX, "the design's table, as %.300s has none", path);
}

int costs_load(struct plan_costs *ret, char why[COSTS_WHY_MAX])
{
	char path[PATH_MAX], reason[COSTS_WHY_MAX];
	json_t *root;
	int r;

	plan_costs_init(ret);
	(void)snprintf(why, COSTS_WHY_MAX, "the design's table; 'trapline bench latency' measures this machine");
	if (file_name(path, sizeof(path)) < 0)
		return 0;
	r = read_file(path, &root, reason);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0) {
		(void)snprintf(why, COSTS_WHY_MAX, "the design's table, as %.200s cannot be used: %.200s", path, reason);
		return r;
	}
	take_costs(root, path, ret, why);
	json_decref(root);
	return 0;
}
