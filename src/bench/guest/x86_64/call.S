/*
 * long fidelity_call(const struct fidelity_state *before)
 *
 * Load every register from *before, execute one syscall instruction, and store every register as it is then into
 * fidelity_after. In assembly, so that no compiler has a word in what the registers hold around the instruction.
 *
 * After the instruction no register is free and none may be trusted, so all stores are relative to rip, and the flags
 * are pushed only once rsp is home again: the 128 bytes below the guest's rsp are part of what is compared. Only mov runs
 * between popfq and syscall, and between syscall and pushfq, since it changes no flag. AC may be set: all is aligned.
 */
#include "offsets.h"

	.bss
	.balign 64
	.globl	fidelity_after
	.hidden	fidelity_after
	.type	fidelity_after, @object
	.size	fidelity_after, STATE_SIZE
fidelity_after:
	.zero	STATE_SIZE
home_rsp:
	.zero	8
home_fs:
	.zero	8
home_gs:
	.zero	8
home_x87:
	.zero	8
home_mxcsr:
	.zero	8

	.text
	.globl	fidelity_call
	.hidden	fidelity_call
	.type	fidelity_call, @function
fidelity_call:
	endbr64
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	pushfq
	mov	%rsp, home_rsp(%rip)
	fnstcw	home_x87(%rip)
	stmxcsr	home_mxcsr(%rip)
	mov	STATE_HAS_BASES(%rdi), %rax
	mov	%rax, fidelity_after+STATE_HAS_BASES(%rip)
	mov	STATE_XSAVE_MASK(%rdi), %rax
	mov	%rax, fidelity_after+STATE_XSAVE_MASK(%rip)
	mov	STATE_XSAVE_MASK+4(%rdi), %edx
	xrstor64 STATE_XSAVE(%rdi)
	cmpq	$0, STATE_HAS_BASES(%rdi)
	je	1f
	rdfsbase %rax
	mov	%rax, home_fs(%rip)
	rdgsbase %rax
	mov	%rax, home_gs(%rip)
	mov	STATE_FS_BASE(%rdi), %rax
	wrfsbase %rax
	mov	STATE_GS_BASE(%rdi), %rax
	wrgsbase %rax
1:
	pushq	STATE_FLAGS(%rdi)
	popfq
	mov	STATE_RAX(%rdi), %rax
	mov	STATE_RBX(%rdi), %rbx
	mov	STATE_RCX(%rdi), %rcx
	mov	STATE_RDX(%rdi), %rdx
	mov	STATE_RSI(%rdi), %rsi
	mov	STATE_RBP(%rdi), %rbp
	mov	STATE_RSP(%rdi), %rsp
	mov	STATE_R8(%rdi), %r8
	mov	STATE_R9(%rdi), %r9
	mov	STATE_R10(%rdi), %r10
	mov	STATE_R11(%rdi), %r11
	mov	STATE_R12(%rdi), %r12
	mov	STATE_R13(%rdi), %r13
	mov	STATE_R14(%rdi), %r14
	mov	STATE_R15(%rdi), %r15
	mov	STATE_RDI(%rdi), %rdi
	syscall
	.globl	fidelity_call_return
	.hidden	fidelity_call_return
fidelity_call_return:
	mov	%rax, fidelity_after+STATE_RAX(%rip)
	mov	%rbx, fidelity_after+STATE_RBX(%rip)
	mov	%rcx, fidelity_after+STATE_RCX(%rip)
	mov	%rdx, fidelity_after+STATE_RDX(%rip)
	mov	%rsi, fidelity_after+STATE_RSI(%rip)
	mov	%rdi, fidelity_after+STATE_RDI(%rip)
	mov	%rbp, fidelity_after+STATE_RBP(%rip)
	mov	%rsp, fidelity_after+STATE_RSP(%rip)
	mov	%r8, fidelity_after+STATE_R8(%rip)
	mov	%r9, fidelity_after+STATE_R9(%rip)
	mov	%r10, fidelity_after+STATE_R10(%rip)
	mov	%r11, fidelity_after+STATE_R11(%rip)
	mov	%r12, fidelity_after+STATE_R12(%rip)
	mov	%r13, fidelity_after+STATE_R13(%rip)
	mov	%r14, fidelity_after+STATE_R14(%rip)
	mov	%r15, fidelity_after+STATE_R15(%rip)
	mov	home_rsp(%rip), %rsp
	pushfq
	popq	fidelity_after+STATE_FLAGS(%rip)
	cmpq	$0, fidelity_after+STATE_HAS_BASES(%rip)
	je	2f
	rdfsbase %rax
	mov	%rax, fidelity_after+STATE_FS_BASE(%rip)
	rdgsbase %rax
	mov	%rax, fidelity_after+STATE_GS_BASE(%rip)
	mov	home_fs(%rip), %rax
	wrfsbase %rax
	mov	home_gs(%rip), %rax
	wrgsbase %rax
2:
	mov	fidelity_after+STATE_XSAVE_MASK(%rip), %eax
	mov	fidelity_after+STATE_XSAVE_MASK+4(%rip), %edx
	xsave64	fidelity_after+STATE_XSAVE(%rip)
	fninit
	fldcw	home_x87(%rip)
	ldmxcsr	home_mxcsr(%rip)
	mov	fidelity_after+STATE_RAX(%rip), %rax
	popfq
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.size	fidelity_call, . - fidelity_call

	.section .note.GNU-stack, "", @progbits
