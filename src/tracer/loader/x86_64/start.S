/* Entry and exit of the loader: from the kernel's registers to the same registers, with the program's entry. */
	.section .text.start, "ax"
	.globl loader_start
	.hidden loader_start
	.hidden loader_param
	.hidden loader_stack
	.hidden loader_main
	.type loader_start, @function
loader_start:
	mov	%rsp, %rdi
	lea	loader_param(%rip), %rsi
	lea	loader_stack(%rip), %rsp
	xor	%ebp, %ebp
	call	loader_main
	/* rax: the program's stack pointer; rdx: its entry */
	mov	%rax, %rsp
	push	%rdx
	pushq	$0x202
	/* The parameters, and the stack that this ran on. */
	lea	loader_param(%rip), %rdi
	mov	$0x10000, %esi
	mov	$11, %eax
	syscall
	xor	%eax, %eax
	xor	%ebx, %ebx
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d
	popfq
	ret
	.size loader_start, . - loader_start
	.section .note.GNU-stack, "", @progbits
