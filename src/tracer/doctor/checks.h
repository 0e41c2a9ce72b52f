/* The checks, one function each. Private to the doctor; doctor.c has the table. */
#ifndef TRAPLINE_TRACER_DOCTOR_CHECKS_H
#define TRAPLINE_TRACER_DOCTOR_CHECKS_H

#include "tracer/doctor/attempt.h"

/* check_system.c: the machine and who we are on it */
void check_kernel(struct finding *f);
void check_cpus(struct finding *f);
void check_nested_tracer(struct finding *f);
void check_inside_seccomp(struct finding *f);
void check_no_new_privs(struct finding *f);
void check_cap_sys_admin(struct finding *f);
void check_cap_sys_ptrace(struct finding *f);
void check_user_namespaces(struct finding *f);
void check_nofile(struct finding *f);
void check_nproc(struct finding *f);
void check_realtime(struct finding *f);
void check_cpu_dma_latency(struct finding *f);

/* check_abi.c */
void check_i386(struct finding *f);
void check_x32(struct finding *f);

/* check_ptrace.c */
void check_ptrace(struct finding *f);
void check_attach(struct finding *f);
void check_yama(struct finding *f);
void check_get_syscall_info(struct finding *f);
void check_set_syscall_info(struct finding *f);
void check_sysemu(struct finding *f);

/* check_seccomp.c */
void check_filter(struct finding *f);
void check_filter_privileged(struct finding *f);
void check_actions(struct finding *f);
void check_ret_trace(struct finding *f);
void check_notify(struct finding *f);
void check_flag_new_listener(struct finding *f);
void check_flag_tsync_esrch(struct finding *f);
void check_flag_wait_killable(struct finding *f);
void check_sync_wake_up(struct finding *f);
void check_addfd(struct finding *f);
void check_addfd_send(struct finding *f);

/* check_memory.c: reaching into the guest */
void check_process_vm_readv(struct finding *f);
void check_proc(struct finding *f);
void check_proc_mem(struct finding *f);
void check_pidfd_getfd(struct finding *f);

/* check_observe.c: watching without stopping */
void check_perf(struct finding *f);
void check_tracefs(struct finding *f);
void check_bpf(struct finding *f);

/* check_wakeup.c */
void check_wakeup_same_cpu(struct finding *f);
void check_wakeup_across(struct finding *f);

#endif
