//! The arithmetic on x86-64 with BMI2 and ADX: `mulx` leaves the flags alone, and `adcx` and `adox` carry in one each, so that
//! the low and the high halves of a row of products are added at once.
//!
//! All of it is made of one step, [`rows`]: eight limbs, which are in r8 to r15, and eight times eight limbs' products
//! are added up; eight limbs go out below, and eight stay in the registers for the next step. No branch and no
//! address depends on a number, only on how many limbs there are.

use super::montgomery::BLOCK;
use std::arch::naked_asm;
use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_and_si256, _mm256_cmpeq_epi64, _mm256_loadu_si256, _mm256_or_si256,
    _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_storeu_si256,
};

/// Whether this processor has what is used here.
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("adx") && is_x86_feature_detected!("avx2")
}

/// wide = a b.
pub(super) fn multiply(wide: &mut [u64], a: &[u64], b: &[u64]) {
    let size = a.len();
    assert!(is_whole(size) && b.len() == size && wide.len() == 2 * size, "sizes of a product");
    // SAFETY: the sizes are as asserted, and this version is chosen where the processor has the instructions.
    unsafe { multiply_blocks(wide.as_mut_ptr(), a.as_ptr(), b.as_ptr(), size / BLOCK) }
}

/// wide = a^2.
pub(super) fn square(wide: &mut [u64], a: &[u64]) {
    let size = a.len();
    assert!(is_whole(size) && wide.len() == 2 * size, "sizes of a square");
    // SAFETY: as above.
    unsafe { square_blocks(wide.as_mut_ptr(), a.as_ptr(), size / BLOCK) }
}

/// x = wide / R mod n, below R. What was in `wide` is lost.
pub(super) fn reduce(x: &mut [u64], wide: &mut [u64], n: &[u64], n0: u64) {
    let size = n.len();
    assert!(is_whole(size) && x.len() == size && wide.len() == 2 * size, "sizes of a reduction");
    // SAFETY: as above.
    unsafe { reduce_blocks(x.as_mut_ptr(), wide.as_mut_ptr(), n.as_ptr(), n0, size / BLOCK) }
}

/// The entry of a table of numbers as long as `x`, which is read as a whole.
pub(super) fn select(x: &mut [u64], table: &[u64], index: u64) {
    assert!(is_whole(x.len()) && table.len().is_multiple_of(x.len()), "sizes of a table");
    // SAFETY: this version is chosen where the processor has AVX2.
    unsafe { select_blocks(x, table, index) }
}

fn is_whole(size: usize) -> bool {
    size > 0 && size.is_multiple_of(BLOCK)
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn select_blocks(x: &mut [u64], table: &[u64], index: u64) {
    let size = x.len();
    let wanted = _mm256_set1_epi64x(index.cast_signed());
    let one = _mm256_set1_epi64x(1);
    for (at, x) in x.chunks_exact_mut(BLOCK).enumerate() {
        let (mut low, mut high) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        let mut position = _mm256_setzero_si256();
        for entry in table.chunks_exact(size) {
            let mask = _mm256_cmpeq_epi64(position, wanted);
            position = _mm256_add_epi64(position, one);
            let from = entry.as_ptr().wrapping_add(BLOCK * at).cast::<__m256i>();
            // SAFETY: the entry has as many whole blocks as `x`.
            let pair = unsafe { (_mm256_loadu_si256(from), _mm256_loadu_si256(from.add(1))) };
            low = _mm256_or_si256(low, _mm256_and_si256(pair.0, mask));
            high = _mm256_or_si256(high, _mm256_and_si256(pair.1, mask));
        }
        let to = x.as_mut_ptr().cast::<__m256i>();
        // SAFETY: a chunk has eight limbs.
        unsafe {
            _mm256_storeu_si256(to, low);
            _mm256_storeu_si256(to.add(1), high);
        }
    }
}

/// One product of a row, by the limb at `$at` of [rsi]: its low half onto one register, its high half onto the next.
#[rustfmt::skip]
macro_rules! term {
    ($at:literal, $low:literal, $high:literal) => {
        concat!("mulx rbx, rax, [rsi + ", $at, "]\n adcx ", $low, ", rax\n adox ", $high, ", rbx\n")
    };
}

/// The end of a row: the register whose limb went out becomes the highest one.
#[rustfmt::skip]
macro_rules! last_term {
    ($low:literal, $high:literal) => {
        concat!(
            "mulx ", $high, ", rax, [rsi + 56]\n adcx ", $low, ", rax\n",
            "adox ", $high, ", rbp\n adcx ", $high, ", rbp\n",
        )
    };
}

/// A row: rdx times eight limbs at [rsi]. After the first term `$out` may take the lowest limb away.
#[rustfmt::skip]
macro_rules! row {
    ($out:expr, $a:literal, $b:literal, $c:literal, $d:literal, $e:literal, $f:literal, $g:literal, $h:literal) => {
        concat!(
            "xor ebp, ebp\n", term!(0, $a, $b), $out, term!(8, $b, $c), term!(16, $c, $d), term!(24, $d, $e),
            term!(32, $e, $f), term!(40, $f, $g), term!(48, $g, $h), last_term!($h, $a),
        )
    };
}

/// A row of a product: by the limb at `$at` of [rcx], and the lowest limb goes to [rdi].
#[rustfmt::skip]
macro_rules! product_row {
    ($at:literal, $a:literal, $($rest:literal),*) => {
        concat!(
            "mov rdx, [rcx + ", $at, "]\n", row!(concat!("mov [rdi + ", $at, "], ", $a, "\n"), $a, $($rest),*),
        )
    };
}

/// A row of a reduction: by what makes the lowest limb zero, which is kept at [rcx]. n0 is in rdi.
#[rustfmt::skip]
macro_rules! reducing_row {
    ($at:literal, $a:literal, $($rest:literal),*) => {
        concat!(
            "mov rdx, rdi\n imul rdx, ", $a, "\n mov [rcx + ", $at, "], rdx\n", row!("", $a, $($rest),*),
        )
    };
}

/// Eight rows, after which the registers have their first meaning again.
#[rustfmt::skip]
macro_rules! eight {
    ($row:ident) => {
        concat!(
            $row!(0, "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"),
            $row!(8, "r9", "r10", "r11", "r12", "r13", "r14", "r15", "r8"),
            $row!(16, "r10", "r11", "r12", "r13", "r14", "r15", "r8", "r9"),
            $row!(24, "r11", "r12", "r13", "r14", "r15", "r8", "r9", "r10"),
            $row!(32, "r12", "r13", "r14", "r15", "r8", "r9", "r10", "r11"),
            $row!(40, "r13", "r14", "r15", "r8", "r9", "r10", "r11", "r12"),
            $row!(48, "r14", "r15", "r8", "r9", "r10", "r11", "r12", "r13"),
            $row!(56, "r15", "r8", "r9", "r10", "r11", "r12", "r13", "r14"),
        )
    };
}

/// The rows of a square: each product of two different limbs of eight at [rsi] once.
#[rustfmt::skip]
macro_rules! triangle {
    () => {
        concat!(
            "mov rdx, [rsi]\n xor ebp, ebp\n mov [rdi], r8\n",
            term!(8, "r9", "r10"), term!(16, "r10", "r11"), term!(24, "r11", "r12"), term!(32, "r12", "r13"),
            term!(40, "r13", "r14"), term!(48, "r14", "r15"), last_term!("r15", "r8"),
            "mov rdx, [rsi + 8]\n xor ebp, ebp\n mov [rdi + 8], r9\n",
            term!(16, "r11", "r12"), term!(24, "r12", "r13"), term!(32, "r13", "r14"), term!(40, "r14", "r15"),
            term!(48, "r15", "r8"), last_term!("r8", "r9"),
            "mov rdx, [rsi + 16]\n xor ebp, ebp\n mov [rdi + 16], r10\n",
            term!(24, "r13", "r14"), term!(32, "r14", "r15"), term!(40, "r15", "r8"), term!(48, "r8", "r9"),
            last_term!("r9", "r10"),
            "mov rdx, [rsi + 24]\n xor ebp, ebp\n mov [rdi + 24], r11\n",
            term!(32, "r15", "r8"), term!(40, "r8", "r9"), term!(48, "r9", "r10"), last_term!("r10", "r11"),
            "mov rdx, [rsi + 32]\n xor ebp, ebp\n mov [rdi + 32], r12\n",
            term!(40, "r9", "r10"), term!(48, "r10", "r11"), last_term!("r11", "r12"),
            "mov rdx, [rsi + 40]\n xor ebp, ebp\n mov [rdi + 40], r13\n", term!(48, "r11", "r12"), last_term!("r12", "r13"),
            "mov rdx, [rsi + 48]\n xor ebp, ebp\n mov [rdi + 48], r14\n", last_term!("r13", "r14"),
            "mov [rdi + 56], r15\n xor r15d, r15d\n",
        )
    };
}

/// Two limbs doubled, in the chain of one flag, and a limb's square added, in that of the other.
#[rustfmt::skip]
macro_rules! diagonal {
    ($limb:literal, $low:literal, $high:literal) => {
        concat!(
            "mov rdx, [rsi + ", $limb, "]\n mulx rbx, rax, rdx\n",
            "mov r8, [rdi + ", $low, "]\n mov r9, [rdi + ", $high, "]\n",
            "adcx r8, r8\n adox r8, rax\n mov [rdi + ", $low, "], r8\n",
            "adcx r9, r9\n adox r9, rbx\n mov [rdi + ", $high, "], r9\n",
        )
    };
}

/// One instruction with each of the eight registers and its place at an address.
#[rustfmt::skip]
macro_rules! each_at {
    ($instruction:literal, $address:literal) => {
        concat!(
            $instruction, " r8, [", $address, "]\n", $instruction, " r9, [", $address, " + 8]\n",
            $instruction, " r10, [", $address, " + 16]\n", $instruction, " r11, [", $address, " + 24]\n",
            $instruction, " r12, [", $address, " + 32]\n", $instruction, " r13, [", $address, " + 40]\n",
            $instruction, " r14, [", $address, " + 48]\n", $instruction, " r15, [", $address, " + 56]\n",
        )
    };
}

/// One instruction with each of the eight registers and the same operand.
#[rustfmt::skip]
macro_rules! each {
    ($instruction:literal, $operand:literal) => {
        concat!(
            $instruction, " r8, ", $operand, "\n", $instruction, " r9, ", $operand, "\n",
            $instruction, " r10, ", $operand, "\n", $instruction, " r11, ", $operand, "\n",
            $instruction, " r12, ", $operand, "\n", $instruction, " r13, ", $operand, "\n",
            $instruction, " r14, ", $operand, "\n", $instruction, " r15, ", $operand, "\n",
        )
    };
}

#[rustfmt::skip]
macro_rules! store {
    () => {
        "mov [rdi], r8\n mov [rdi + 8], r9\n mov [rdi + 16], r10\n mov [rdi + 24], r11\n mov [rdi + 32], r12\n \
         mov [rdi + 40], r13\n mov [rdi + 48], r14\n mov [rdi + 56], r15\n"
    };
}

#[rustfmt::skip]
macro_rules! clear {
    () => {
        "xor r8d, r8d\n xor r9d, r9d\n xor r10d, r10d\n xor r11d, r11d\n xor r12d, r12d\n xor r13d, r13d\n \
         xor r14d, r14d\n xor r15d, r15d\n"
    };
}

/// A register, and the limb above the row with both carries, which goes back there.
#[rustfmt::skip]
macro_rules! above {
    ($register:literal, $at:literal) => {
        concat!(
            "adcx ", $register, ", [rdi + ", $at, "]\n adox ", $register, ", rbp\n mov [rdi + ", $at, "], ", $register, "\n",
        )
    };
}

/// A limb at [rsi] less one of the registers and the borrow, to [rdi].
#[rustfmt::skip]
macro_rules! less {
    ($at:literal, $register:literal) => {
        concat!("mov rax, [rsi + ", $at, "]\n sbb rax, ", $register, "\n mov [rdi + ", $at, "], rax\n")
    };
}

macro_rules! enter {
    () => {
        "push rbx\n push rbp\n push r12\n push r13\n push r14\n push r15\n"
    };
}

macro_rules! leave {
    () => {
        "pop r15\n pop r14\n pop r13\n pop r12\n pop rbp\n pop rbx\n ret\n"
    };
}

/// r8..r15 = r8..r15 + eight limbs at [rsi] times eight limbs at [rcx]: the lower half to [rdi], the upper one in the registers.
/// Changes rax, rbx, rdx, rbp and the flags.
///
/// # Safety
/// For the functions below only: it has no calling convention.
#[unsafe(naked)]
unsafe extern "sysv64" fn rows() {
    naked_asm!(eight!(product_row), "ret")
}

/// # Safety
/// `wide` has 16 limbs for each of the blocks, `a` and `b` eight; the processor has BMI2 and ADX.
#[unsafe(naked)]
unsafe extern "sysv64" fn multiply_blocks(wide: *mut u64, a: *const u64, b: *const u64, blocks: usize) {
    naked_asm!(
        enter!(),
        // [rsp]: steps of a row left; + 8: rows left; + 16: carry; + 24: wide; + 32: a; + 40: blocks.
        "sub rsp, 56",
        "mov [rsp], rcx",
        "mov [rsp + 8], rcx",
        "mov [rsp + 24], rdi",
        "mov [rsp + 32], rsi",
        "mov [rsp + 40], rcx",
        "mov rcx, rdx",
        // The first row, under which there is nothing yet.
        clear!(),
        "2:",
        "call {rows}",
        "lea rsi, [rsi + 64]",
        "lea rdi, [rdi + 64]",
        "sub qword ptr [rsp], 1",
        "jnz 2b",
        store!(),
        "jmp 6f",
        "3:",
        "mov rdi, [rsp + 24]",
        "lea rdi, [rdi + 64]",
        "mov [rsp + 24], rdi",
        "mov rsi, [rsp + 32]",
        "mov rax, [rsp + 40]",
        "mov [rsp], rax",
        "mov qword ptr [rsp + 16], 0",
        "lea rcx, [rcx + 64]",
        each_at!("mov", "rdi"),
        "4:",
        "call {rows}",
        "lea rsi, [rsi + 64]",
        "lea rdi, [rdi + 64]",
        "sub qword ptr [rsp], 1",
        "jz 5f",
        "xor eax, eax",
        "sub rax, [rsp + 16]",
        each_at!("adc", "rdi"),
        "mov eax, 0",
        "adc rax, 0",
        "mov [rsp + 16], rax",
        "jmp 4b",
        "5:",
        "xor eax, eax",
        "sub rax, [rsp + 16]",
        each!("adc", "0"),
        store!(),
        "6:",
        "sub qword ptr [rsp + 8], 1",
        "jnz 3b",
        "add rsp, 56",
        leave!(),
        rows = sym rows,
    )
}

/// # Safety
/// `wide` has 16 limbs for each of the blocks, `a` eight; the processor has BMI2 and ADX.
#[unsafe(naked)]
unsafe extern "sysv64" fn square_blocks(wide: *mut u64, a: *const u64, blocks: usize) {
    naked_asm!(
        enter!(),
        // [rsp]: steps of a row left; + 8: rows left; + 16: carry; + 24: where the row begins in wide; + 32: a;
        // + 40: blocks; + 48: wide.
        "sub rsp, 56",
        "mov [rsp], rdx",
        "mov [rsp + 8], rdx",
        "mov [rsp + 24], rdi",
        "mov [rsp + 32], rsi",
        "mov [rsp + 40], rdx",
        "mov [rsp + 48], rdi",
        "mov rcx, rsi",
        // The first row, under which there is nothing yet.
        clear!(),
        triangle!(),
        "jmp 3f",
        "2:",
        "call {rows}",
        "3:",
        "lea rsi, [rsi + 64]",
        "lea rdi, [rdi + 64]",
        "sub qword ptr [rsp], 1",
        "jnz 2b",
        store!(),
        "jmp 8f",
        // The other ones begin two blocks further up each time, and are a block shorter.
        "4:",
        "mov rdi, [rsp + 24]",
        "sub rdi, -128",
        "mov [rsp + 24], rdi",
        "lea rcx, [rcx + 64]",
        "mov rsi, rcx",
        "mov rax, [rsp + 8]",
        "mov [rsp], rax",
        "mov qword ptr [rsp + 16], 0",
        each_at!("mov", "rdi"),
        triangle!(),
        "jmp 6f",
        "5:",
        "call {rows}",
        "6:",
        "lea rsi, [rsi + 64]",
        "lea rdi, [rdi + 64]",
        "sub qword ptr [rsp], 1",
        "jz 7f",
        "xor eax, eax",
        "sub rax, [rsp + 16]",
        each_at!("adc", "rdi"),
        "mov eax, 0",
        "adc rax, 0",
        "mov [rsp + 16], rax",
        "jmp 5b",
        "7:",
        "xor eax, eax",
        "sub rax, [rsp + 16]",
        each!("adc", "0"),
        store!(),
        "8:",
        "sub qword ptr [rsp + 8], 1",
        "jnz 4b",
        "mov rdi, [rsp + 48]",
        "mov rsi, [rsp + 32]",
        "mov rcx, [rsp + 40]",
        "xor eax, eax",
        "9:",
        diagonal!(0, 0, 8),
        diagonal!(8, 16, 24),
        diagonal!(16, 32, 40),
        diagonal!(24, 48, 56),
        diagonal!(32, 64, 72),
        diagonal!(40, 80, 88),
        diagonal!(48, 96, 104),
        diagonal!(56, 112, 120),
        // Without a change of the flags.
        "lea rdi, [rdi + 128]",
        "lea rsi, [rsi + 64]",
        "lea rcx, [rcx - 1]",
        "jrcxz 20f",
        "jmp 9b",
        "20:",
        "add rsp, 56",
        leave!(),
        rows = sym rows,
    )
}

/// # Safety
/// `wide` has 16 limbs for each of the blocks, `x` and `n` eight; the processor has BMI2 and ADX.
#[unsafe(naked)]
unsafe extern "sysv64" fn reduce_blocks(x: *mut u64, wide: *mut u64, n: *const u64, n0: u64, blocks: usize) {
    naked_asm!(
        enter!(),
        // [rsp]: steps of a row left; + 8: rows left; + 16: carry; + 24: where the row begins in wide; + 32: n;
        // + 40: blocks; + 48: carry out of the row before; + 56: n0; + 64: x; + 72 to 136: the factors of a row.
        "sub rsp, 136",
        "mov [rsp + 8], r8",
        "mov [rsp + 24], rsi",
        "mov [rsp + 32], rdx",
        "mov [rsp + 40], r8",
        "mov qword ptr [rsp + 48], 0",
        "mov [rsp + 56], rcx",
        "mov [rsp + 64], rdi",
        "lea rcx, [rsp + 72]",
        "2:",
        "mov rdi, [rsp + 24]",
        "mov rsi, [rsp + 32]",
        "mov rax, [rsp + 40]",
        "mov [rsp], rax",
        each_at!("mov", "rdi"),
        "lea rax, [rdi + 64]",
        "mov [rsp + 24], rax",
        "mov rdi, [rsp + 56]",
        eight!(reducing_row),
        "mov rdi, [rsp + 24]",
        "mov qword ptr [rsp + 16], 0",
        "jmp 4f",
        "3:",
        "xor eax, eax",
        "sub rax, [rsp + 16]",
        each_at!("adc", "rdi"),
        "mov eax, 0",
        "adc rax, 0",
        "mov [rsp + 16], rax",
        "lea rsi, [rsi + 64]",
        "call {rows}",
        "lea rdi, [rdi + 64]",
        "4:",
        "sub qword ptr [rsp], 1",
        "jnz 3b",
        // What stands above the row, with the carry of this row, which is in the one flag, and that of the row before,
        // which comes into the other.
        "mov rax, [rsp + 16]",
        "mov rdx, [rsp + 48]",
        "xor ebx, ebx",
        "add rax, -1",
        "mov rbp, -1",
        "adox rdx, rbp",
        "mov ebp, 0",
        above!("r8", 0),
        above!("r9", 8),
        above!("r10", 16),
        above!("r11", 24),
        above!("r12", 32),
        above!("r13", 40),
        above!("r14", 48),
        above!("r15", 56),
        "adcx rbx, rbp",
        "adox rbx, rbp",
        "mov [rsp + 48], rbx",
        "sub qword ptr [rsp + 8], 1",
        "jnz 2b",
        // n is taken off where there was a carry out of the last row.
        "mov rsi, [rsp + 24]",
        "mov rbx, [rsp + 32]",
        "mov rcx, [rsp + 40]",
        "mov rdi, [rsp + 64]",
        "xor ebp, ebp",
        "sub rbp, [rsp + 48]",
        "xor edx, edx",
        "5:",
        each_at!("mov", "rbx"),
        each!("and", "rbp"),
        "add rdx, -1",
        less!(0, "r8"),
        less!(8, "r9"),
        less!(16, "r10"),
        less!(24, "r11"),
        less!(32, "r12"),
        less!(40, "r13"),
        less!(48, "r14"),
        less!(56, "r15"),
        "mov edx, 0",
        "adc rdx, 0",
        "lea rsi, [rsi + 64]",
        "lea rbx, [rbx + 64]",
        "lea rdi, [rdi + 64]",
        "sub rcx, 1",
        "jnz 5b",
        "add rsp, 136",
        leave!(),
        rows = sym rows,
    )
}
