/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processor's registers from and to a CONTEXT (ntddk.h; seh.c compares these offsets with its).
 *
 * void us_seh_resume(const CONTEXT *context): goes on with all its registers but the flags. What lies right below its
 * rsp is used for that: in Windows' calling convention it is nobody's.
 */
	.set	MXCSR, 0x34
	.set	EFLAGS, 0x44
	.set	RAX, 0x78
	.set	RCX, 0x80
	.set	RDX, 0x88
	.set	RBX, 0x90
	.set	RSP, 0x98
	.set	RBP, 0xa0
	.set	RSI, 0xa8
	.set	RDI, 0xb0
	.set	R8_15, 0xb8
	.set	RIP, 0xf8
	.set	XMM, 0x1a0

	.text
	.globl	us_seh_resume
	.hidden	us_seh_resume
	.type	us_seh_resume, @function
us_seh_resume:
	.cfi_startproc
	endbr64
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movaps	(XMM + 16 * \n)(%rdi), %xmm\n
	.endr
	ldmxcsr	MXCSR(%rdi)
	movq	RSP(%rdi), %rax
	movq	RIP(%rdi), %rcx
	movq	RDI(%rdi), %rdx
	movq	%rcx, -8(%rax)
	movq	%rdx, -16(%rax)
	leaq	-16(%rax), %rsp
	movq	RAX(%rdi), %rax
	movq	RCX(%rdi), %rcx
	movq	RDX(%rdi), %rdx
	movq	RBX(%rdi), %rbx
	movq	RBP(%rdi), %rbp
	movq	RSI(%rdi), %rsi
	.irp	n, 8, 9, 10, 11, 12, 13, 14, 15
	movq	(R8_15 + 8 * (\n - 8))(%rdi), %r\n
	.endr
	popq	%rdi
	ret
	.cfi_endproc
	.size	us_seh_resume, . - us_seh_resume

/* RtlCaptureContext(CONTEXT *rcx): the registers as its caller will have them again, and changes none. */
	.globl	us_seh_capture
	.hidden	us_seh_capture
	.type	us_seh_capture, @function
us_seh_capture:
	.cfi_startproc
	endbr64
	pushfq
	.cfi_adjust_cfa_offset 8
	movl	$0x10000f, 0x30(%rcx)
	stmxcsr	MXCSR(%rcx)
	movl	$0x002b0010, 0x38(%rcx)
	movl	$0x0053002b, 0x3c(%rcx)
	movl	$0x0018002b, 0x40(%rcx)
	movq	%rax, RAX(%rcx)
	movq	%rcx, RCX(%rcx)
	movq	%rdx, RDX(%rcx)
	movq	%rbx, RBX(%rcx)
	movq	%rbp, RBP(%rcx)
	movq	%rsi, RSI(%rcx)
	movq	%rdi, RDI(%rcx)
	.irp	n, 8, 9, 10, 11, 12, 13, 14, 15
	movq	%r\n, (R8_15 + 8 * (\n - 8))(%rcx)
	.endr
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movups	%xmm\n, (XMM + 16 * \n)(%rcx)
	.endr
	movq	(%rsp), %rax
	movl	%eax, EFLAGS(%rcx)
	movq	8(%rsp), %rax
	movq	%rax, RIP(%rcx)
	leaq	16(%rsp), %rax
	movq	%rax, RSP(%rcx)
	movq	RAX(%rcx), %rax
	popfq
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
	.size	us_seh_capture, . - us_seh_capture

	.section .note.GNU-stack, "", @progbits
