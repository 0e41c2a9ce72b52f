/* The doctor's own seccomp filters: one call gets an action, all others run. Private to it; used inside an attempt. */
#ifndef TRAPLINE_TRACER_DOCTOR_FILTER_H
#define TRAPLINE_TRACER_DOCTOR_FILTER_H

#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "base/errors.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV	/* Linux 5.19 */
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS		/* Linux 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif
#ifndef SECCOMP_ADDFD_FLAG_SEND			/* Linux 5.14 */
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 1)
#endif

/*
 * Give getppid the action, for the calling thread. 0, or with SECCOMP_FILTER_FLAG_NEW_LISTENER a descriptor that the
 * caller owns; -errno. Numbers alone are compared: the filter only ever sees the doctor's own native calls.
 */
MUST_CHECK int doctor_filter_install(uint32_t action, unsigned long flags);
/* prctl(PR_SET_NO_NEW_PRIVS). */
MUST_CHECK int filter_give_up_privileges(void);

#endif
