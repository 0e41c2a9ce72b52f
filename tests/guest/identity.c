/*
 * Who am I: every uid and gid getter, uname and sysinfo agree with what is expected.
 * identity UID GID HOSTNAME [sethostname]: as given; sethostname is tried only under emulation (natively it would
 * rename the machine) and is root's. Without arguments: as /proc says.
 */
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "guest.h"

static long status_id(const char *key)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long id = -1;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)) == 0)
			id = strtol(line + strlen(key), NULL, 10);
	}
	fclose(f);
	return id;
}

static void check_ids(long uid, long gid)
{
	uid_t ruid = 77, euid = 77, suid = 77;
	gid_t rgid = 77, egid = 77, sgid = 77;

	CHECK_EQ(getuid(), uid);
	CHECK_EQ(geteuid(), uid);
	CHECK_EQ(getgid(), gid);
	CHECK_EQ(getegid(), gid);
	CHECK(getresuid(&ruid, &euid, &suid) == 0);
	CHECK(getresgid(&rgid, &egid, &sgid) == 0);
	CHECK_EQ(ruid, uid);
	CHECK_EQ(euid, uid);
	CHECK_EQ(suid, uid);
	CHECK_EQ(rgid, gid);
	CHECK_EQ(egid, gid);
	CHECK_EQ(sgid, gid);
}

static void check_machine(const char *host)
{
	struct utsname u;
	struct sysinfo si;

	memset(&u, 'x', sizeof(u));
	memset(&si, 0x55, sizeof(si));
	CHECK(uname(&u) == 0);
	CHECK(strcmp(u.sysname, "Linux") == 0);
	CHECK(u.release[0] >= '2' && u.release[0] <= '9');
	CHECK(host == NULL || strcmp(u.nodename, host) == 0);
	CHECK(sysinfo(&si) == 0);
	CHECK(si.uptime > 0 && si.procs > 0 && si.mem_unit > 0);
	CHECK(si.totalram > 0 && si.freeram <= si.totalram);
	CHECK(si.loads[0] < (1UL << 40));
}

/* The new name is seen by this process and by its children, and bad ones are refused as Linux does. */
static void check_sethostname(void)
{
	char name[65];
	pid_t child;

	CHECK(sethostname("new-name", 8) == 0);
	check_machine("new-name");
	child = guest_fork();
	if (child == 0) {
		check_machine("new-name");
		CHECK(sethostname("from-child", 10) == 0);
		_exit(0);
	}
	guest_wait_exit(child, 0);
	check_machine("from-child");
	memset(name, 'n', sizeof(name));
	CHECK_ERRNO(sethostname(name, 65), EINVAL);
	CHECK_ERRNO(syscall(SYS_sethostname, 8, 8), EFAULT);
	CHECK(sethostname(name, 64) == 0);
}

static void *in_thread(void *arg)
{
	const long *ids = arg;

	check_ids(ids[0], ids[1]);
	return NULL;
}

int main(int argc, char **argv)
{
	bool given = argc >= 4;
	long ids[2] = {
		given ? strtol(argv[1], NULL, 10) : status_id("Uid:"),
		given ? strtol(argv[2], NULL, 10) : status_id("Gid:"),
	};
	pid_t child;

	for (int i = 0; i < 100; i++) {
		check_ids(ids[0], ids[1]);
		check_machine(given ? argv[3] : NULL);
	}
	child = guest_fork();
	if (child == 0) {
		in_thread(ids);
		_exit(0);
	}
	guest_wait_exit(child, 0);
	if (given && argc > 4 && ids[0] == 0)
		check_sethostname();
	else if (given && argc > 4)
		CHECK_ERRNO(sethostname("box", 3), EPERM);
	return 0;
}
