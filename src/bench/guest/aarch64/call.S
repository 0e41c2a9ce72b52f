/*
 * long fidelity_call(const struct fidelity_state *before)
 *
 * Load every register from *before, execute one svc instruction, and store every register as it is then into
 * fidelity_after. In assembly, so that no compiler has a word in what the registers hold around the instruction.
 *
 * A store needs a base register and after the instruction none is free: x0 and x1 are first put at the guest's own sp,
 * whose 16 bytes upwards are set aside for that. The bytes below sp are compared by the caller and not touched here.
 */
#include "offsets.h"

#define HOME_SIZE 192

	.bss
	.balign 64
	.globl	fidelity_after
	.hidden	fidelity_after
	.type	fidelity_after, %object
	.size	fidelity_after, STATE_SIZE
fidelity_after:
	.zero	STATE_SIZE
home_sp:
	.zero	8

	.text
	.globl	fidelity_call
	.hidden	fidelity_call
	.type	fidelity_call, %function
fidelity_call:
	sub	sp, sp, #HOME_SIZE
	stp	x19, x20, [sp, #0]
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mrs	x1, fpcr
	mrs	x2, fpsr
	stp	x1, x2, [sp, #160]
	mrs	x1, tpidr_el0
	str	x1, [sp, #176]
	adrp	x1, home_sp
	mov	x2, sp
	str	x2, [x1, #:lo12:home_sp]

	add	x1, x0, #STATE_V
	ldp	q0, q1, [x1, #0]
	ldp	q2, q3, [x1, #32]
	ldp	q4, q5, [x1, #64]
	ldp	q6, q7, [x1, #96]
	ldp	q8, q9, [x1, #128]
	ldp	q10, q11, [x1, #160]
	ldp	q12, q13, [x1, #192]
	ldp	q14, q15, [x1, #224]
	ldp	q16, q17, [x1, #256]
	ldp	q18, q19, [x1, #288]
	ldp	q20, q21, [x1, #320]
	ldp	q22, q23, [x1, #352]
	ldp	q24, q25, [x1, #384]
	ldp	q26, q27, [x1, #416]
	ldp	q28, q29, [x1, #448]
	ldp	q30, q31, [x1, #480]
	ldr	x1, [x0, #STATE_FPCR]
	msr	fpcr, x1
	ldr	x1, [x0, #STATE_FPSR]
	msr	fpsr, x1
	ldr	x1, [x0, #STATE_TPIDR]
	msr	tpidr_el0, x1
	ldr	x1, [x0, #STATE_NZCV]
	msr	nzcv, x1
	ldr	x1, [x0, #STATE_SP]
	mov	sp, x1
	ldp	x2, x3, [x0, #16]
	ldp	x4, x5, [x0, #32]
	ldp	x6, x7, [x0, #48]
	ldp	x8, x9, [x0, #64]
	ldp	x10, x11, [x0, #80]
	ldp	x12, x13, [x0, #96]
	ldp	x14, x15, [x0, #112]
	ldp	x16, x17, [x0, #128]
	ldp	x18, x19, [x0, #144]
	ldp	x20, x21, [x0, #160]
	ldp	x22, x23, [x0, #176]
	ldp	x24, x25, [x0, #192]
	ldp	x26, x27, [x0, #208]
	ldp	x28, x29, [x0, #224]
	ldr	x30, [x0, #240]
	ldp	x0, x1, [x0]
	svc	#0
	.globl	fidelity_call_return
	.hidden	fidelity_call_return
fidelity_call_return:
	stp	x0, x1, [sp]
	adrp	x0, fidelity_after
	add	x0, x0, #:lo12:fidelity_after
	stp	x2, x3, [x0, #16]
	stp	x4, x5, [x0, #32]
	stp	x6, x7, [x0, #48]
	stp	x8, x9, [x0, #64]
	stp	x10, x11, [x0, #80]
	stp	x12, x13, [x0, #96]
	stp	x14, x15, [x0, #112]
	stp	x16, x17, [x0, #128]
	stp	x18, x19, [x0, #144]
	stp	x20, x21, [x0, #160]
	stp	x22, x23, [x0, #176]
	stp	x24, x25, [x0, #192]
	stp	x26, x27, [x0, #208]
	stp	x28, x29, [x0, #224]
	str	x30, [x0, #240]
	ldp	x1, x2, [sp]
	stp	x1, x2, [x0]
	mov	x1, sp
	str	x1, [x0, #STATE_SP]
	mrs	x1, nzcv
	str	x1, [x0, #STATE_NZCV]
	mrs	x1, fpcr
	str	x1, [x0, #STATE_FPCR]
	mrs	x1, fpsr
	str	x1, [x0, #STATE_FPSR]
	mrs	x1, tpidr_el0
	str	x1, [x0, #STATE_TPIDR]
	add	x1, x0, #STATE_V
	stp	q0, q1, [x1, #0]
	stp	q2, q3, [x1, #32]
	stp	q4, q5, [x1, #64]
	stp	q6, q7, [x1, #96]
	stp	q8, q9, [x1, #128]
	stp	q10, q11, [x1, #160]
	stp	q12, q13, [x1, #192]
	stp	q14, q15, [x1, #224]
	stp	q16, q17, [x1, #256]
	stp	q18, q19, [x1, #288]
	stp	q20, q21, [x1, #320]
	stp	q22, q23, [x1, #352]
	stp	q24, q25, [x1, #384]
	stp	q26, q27, [x1, #416]
	stp	q28, q29, [x1, #448]
	stp	q30, q31, [x1, #480]

	adrp	x1, home_sp
	ldr	x1, [x1, #:lo12:home_sp]
	mov	sp, x1
	ldp	x1, x2, [sp, #160]
	msr	fpcr, x1
	msr	fpsr, x2
	ldr	x1, [sp, #176]
	msr	tpidr_el0, x1
	ldr	x0, [x0]
	ldp	x19, x20, [sp, #0]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	add	sp, sp, #HOME_SIZE
	ret
	.size	fidelity_call, . - fidelity_call

	.section .note.GNU-stack, "", %progbits
