/*
 * x86_64 register sets. Facts from arch/x86/include/asm/user_64.h (struct user_regs_struct), user_32.h and
 * arch/x86/kernel/ptrace.c; this program's own structs, so that they compile on every host.
 */
#ifndef TRAPLINE_REGS_X86_64_LAYOUT_H
#define TRAPLINE_REGS_X86_64_LAYOUT_H

/* Words of NT_PRSTATUS, and of struct user: the word's offset there is 8 * index. */
enum x86_64_word {
	X86_64_R15, X86_64_R14, X86_64_R13, X86_64_R12, X86_64_RBP, X86_64_RBX, X86_64_R11, X86_64_R10,
	X86_64_R9, X86_64_R8, X86_64_RAX, X86_64_RCX, X86_64_RDX, X86_64_RSI, X86_64_RDI, X86_64_ORIG_RAX,
	X86_64_RIP, X86_64_CS, X86_64_EFLAGS, X86_64_RSP, X86_64_SS, X86_64_FS_BASE, X86_64_GS_BASE,
	X86_64_DS, X86_64_ES, X86_64_FS, X86_64_GS,
	X86_64_WORDS,
};

/* 32-bit words of the i386 NT_PRSTATUS, which PTRACE_GETREGSET gives for a task in 32-bit mode. */
enum i386_word {
	I386_EBX, I386_ECX, I386_EDX, I386_ESI, I386_EDI, I386_EBP, I386_EAX, I386_DS, I386_ES, I386_FS, I386_GS,
	I386_ORIG_EAX, I386_EIP, I386_CS, I386_EFLAGS, I386_ESP, I386_SS,
	I386_WORDS,
};

#endif
