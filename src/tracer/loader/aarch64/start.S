/* Entry and exit of the loader: from the kernel's registers to the same registers, with the program's entry. */
	.section .text.start, "ax"
	.globl loader_start
	.hidden loader_start
	.hidden loader_param
	.hidden loader_stack
	.hidden loader_main
	.type loader_start, %function
loader_start:
	mov	x0, sp
	adrp	x1, loader_param
	add	x1, x1, :lo12:loader_param
	adrp	x2, loader_stack
	add	x2, x2, :lo12:loader_stack
	mov	sp, x2
	mov	x29, xzr
	bl	loader_main
	/* x0: the program's stack pointer; x1: its entry */
	mov	sp, x0
	mov	x16, x1
	/* The parameters, and the stack that this ran on. */
	adrp	x0, loader_param
	add	x0, x0, :lo12:loader_param
	mov	x1, #0x10000
	mov	x8, #215
	svc	#0
	mov	x0, xzr
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	mov	x4, xzr
	mov	x5, xzr
	mov	x6, xzr
	mov	x7, xzr
	mov	x8, xzr
	mov	x9, xzr
	mov	x10, xzr
	mov	x11, xzr
	mov	x12, xzr
	mov	x13, xzr
	mov	x14, xzr
	mov	x15, xzr
	mov	x17, xzr
	mov	x18, xzr
	mov	x19, xzr
	mov	x20, xzr
	mov	x21, xzr
	mov	x22, xzr
	mov	x23, xzr
	mov	x24, xzr
	mov	x25, xzr
	mov	x26, xzr
	mov	x27, xzr
	mov	x28, xzr
	mov	x29, xzr
	mov	x30, xzr
	br	x16
	.size loader_start, . - loader_start
	.section .note.GNU-stack, "", %progbits
