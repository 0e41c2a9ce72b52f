/* A 32-bit program: its parent's id, then each file of its arguments, opened and read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	(void)printf("%ld\n", syscall(SYS_getppid));
	for (int i = 1; i < argc; i++) {
		char text[64] = "";
		int fd = open(argv[i], O_RDONLY);
		if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
			(void)printf("%s\n", strerror(errno));
		else
			(void)fputs(text, stdout);
	}
	return 0;
}
