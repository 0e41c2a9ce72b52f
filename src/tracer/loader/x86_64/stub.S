/*
 * Where the trampolines of patched call sites lead (tracer/stub/sites.c). In: 8(%rsp) what STUB_SITE made, below a red
 * zone; the registers of the call. Out: as the kernel leaves them, with rcx 0 if the call is still to be made.
 */
	.section .text.stub, "ax"
	.globl stub_entry
	.hidden stub_main
	.type stub_entry, @function
stub_entry:
	pushfq
	push	%r9
	push	%r8
	push	%r10
	push	%rdx
	push	%rsi
	push	%rdi
	mov	%rsp, %rdi
	push	%rbx
	mov	%rsp, %rbx
	and	$-16, %rsp
	cld
	call	stub_main
	mov	%rbx, %rsp
	pop	%rbx
	mov	%rdx, %rcx
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%r10
	pop	%r8
	pop	%r9
	mov	(%rsp), %r11
	popfq
	ret
	.size stub_entry, . - stub_entry

/*
 * Copies of guest memory, without a stack: a fault between the two labels goes on at stub_fault (tracer/stub/fault.c).
 */
	.globl stub_copies
stub_copies:
	.globl stub_copy_string
	.hidden stub_copy_string
	.type stub_copy_string, @function
stub_copy_string:
	xor	%eax, %eax
1:	cmp	%rdx, %rax
	jae	2f
	mov	(%rsi,%rax), %cl
	mov	%cl, (%rdi,%rax)
	inc	%rax
	test	%cl, %cl
	jnz	1b
2:	ret
	.size stub_copy_string, . - stub_copy_string

	.globl stub_copy
	.hidden stub_copy
	.type stub_copy, @function
stub_copy:
	mov	%rdx, %rcx
	xor	%eax, %eax
	rep movsb
	ret
	.size stub_copy, . - stub_copy
	.globl stub_fault
stub_fault:
	mov	$-1, %rax
	ret
	.section .note.GNU-stack, "", @progbits
