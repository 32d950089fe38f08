/*
 * The functions of the drop-in libvirt.so.0 that are not implemented: stubs.inc has a line for each (scripts/link-dropin.sh).
 *
 * A stub names itself to src/capi/dropin.rs, with every register that can hold an argument kept, and goes on at the address
 * that it gets back, as if the caller had called that.
 */

    .section .note.GNU-stack, "", %progbits

/* Stub of src/capi/dropin.rs. */
    .macro describe name, from, failure
    .section .rodata.stubs, "a", %progbits
name_\name:
    .asciz "\name"
    .section .data.stubs, "aw", %progbits
    .balign 8
stub_\name:
    .quad 0
    .quad name_\name
    .long \from, \failure
    .endm

    .macro begin name
    .section .text.\name, "ax", %progbits
    .balign 16
    .globl \name
    .type \name, %function
\name:
    .cfi_startproc
    .endm

    .macro end name
    .cfi_endproc
    .size \name, . - \name
    .endm

/* The linker's name for where that file says where it is to be called. */
    .hidden __start_virt_jobs_stubs

    .section .text.stubs, "ax", %progbits
    .balign 16

#if defined(__x86_64__) && !defined(__ILP32__)

/* r11 has the stub. rax is the number of vector registers in a call of a function with a variable number of arguments. */
go_on:
    .cfi_startproc
    push %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    mov %rsp, %rbp
    .cfi_def_cfa_register %rbp
    sub $192, %rsp
    mov %rdi, (%rsp)
    mov %rsi, 8(%rsp)
    mov %rdx, 16(%rsp)
    mov %rcx, 24(%rsp)
    mov %r8, 32(%rsp)
    mov %r9, 40(%rsp)
    mov %rax, 48(%rsp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    movups %xmm\n, 64 + 16 * \n(%rsp)
    .endr
    mov %rdi, %rsi
    mov %r11, %rdi
    call *__start_virt_jobs_stubs(%rip)
    mov %rax, %r11
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    movups 64 + 16 * \n(%rsp), %xmm\n
    .endr
    mov (%rsp), %rdi
    mov 8(%rsp), %rsi
    mov 16(%rsp), %rdx
    mov 24(%rsp), %rcx
    mov 32(%rsp), %r8
    mov 40(%rsp), %r9
    mov 48(%rsp), %rax
    leave
    .cfi_def_cfa %rsp, 8
    jmp *%r11
    .cfi_endproc

    .macro stub name, from, failure
    describe \name, \from, \failure
    begin \name
    lea stub_\name(%rip), %r11
    jmp go_on
    end \name
    .endm

#elif defined(__aarch64__) && !defined(__ILP32__)

/* x16 has the stub. x8 may be where a large result goes. */
go_on:
    .cfi_startproc
    stp x29, x30, [sp, #-224]!
    .cfi_def_cfa_offset 224
    .cfi_offset x29, -224
    .cfi_offset x30, -216
    mov x29, sp
    stp x0, x1, [sp, #16]
    stp x2, x3, [sp, #32]
    stp x4, x5, [sp, #48]
    stp x6, x7, [sp, #64]
    str x8, [sp, #80]
    stp q0, q1, [sp, #96]
    stp q2, q3, [sp, #128]
    stp q4, q5, [sp, #160]
    stp q6, q7, [sp, #192]
    mov x1, x0
    mov x0, x16
    adrp x9, __start_virt_jobs_stubs
    ldr x9, [x9, #:lo12:__start_virt_jobs_stubs]
    blr x9
    mov x16, x0
    ldp x0, x1, [sp, #16]
    ldp x2, x3, [sp, #32]
    ldp x4, x5, [sp, #48]
    ldp x6, x7, [sp, #64]
    ldr x8, [sp, #80]
    ldp q0, q1, [sp, #96]
    ldp q2, q3, [sp, #128]
    ldp q4, q5, [sp, #160]
    ldp q6, q7, [sp, #192]
    ldp x29, x30, [sp], #224
    .cfi_restore x29
    .cfi_restore x30
    .cfi_def_cfa_offset 0
    br x16
    .cfi_endproc

    .macro stub name, from, failure
    describe \name, \from, \failure
    begin \name
    adrp x16, stub_\name
    add x16, x16, #:lo12:stub_\name
    b go_on
    end \name
    .endm

#else
#error "no stubs for this processor: dropin/stubs.S"
#endif

#include "stubs.inc"
