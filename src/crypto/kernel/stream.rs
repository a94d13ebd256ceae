//! Bytes on their way through a kernel: read at one place and written at the same or another, in pieces of a fixed length.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;

/// What is left to be done.
pub(super) struct Stream<'a> {
    from: *const u8,
    /// Null where nothing is written.
    to: *mut u8,
    left: usize,
    borrowed: PhantomData<&'a mut [u8]>,
}

impl<'a> Stream<'a> {
    /// Bytes that are read only.
    pub(super) fn reading(input: &'a [u8]) -> Self {
        Self { from: input.as_ptr(), to: ptr::null_mut(), left: input.len(), borrowed: PhantomData }
    }

    /// Bytes that are replaced.
    pub(super) fn in_place(bytes: &'a mut [u8]) -> Self {
        let left = bytes.len();
        let to = bytes.as_mut_ptr();
        Self { from: to, to, left, borrowed: PhantomData }
    }

    fn between(input: &'a [u8], output: &'a mut [MaybeUninit<u8>]) -> Self {
        let left = input.len().min(output.len());
        Self { from: input.as_ptr(), to: output.as_mut_ptr().cast(), left, borrowed: PhantomData }
    }

    /// The next piece, where that much is left.
    #[inline(always)]
    pub(super) fn next<const N: usize>(&mut self) -> Option<Piece<'a, N>> {
        let left = self.left.checked_sub(N)?;
        let piece = Piece { from: self.from, to: self.to, borrowed: PhantomData };
        self.left = left;
        self.from = self.from.wrapping_add(N);
        if !self.to.is_null() {
            self.to = self.to.wrapping_add(N);
        }
        Some(piece)
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.left
    }
}

/// Appends to `out` what `kernel` makes of `input`; what it leaves of the input has no output.
///
/// # Safety
/// `kernel` writes the whole of every piece that it takes.
pub(super) unsafe fn append(input: &[u8], out: &mut Vec<u8>, kernel: impl FnOnce(&mut Stream<'_>)) {
    out.reserve(input.len());
    let mut stream = Stream::between(input, out.spare_capacity_mut());
    kernel(&mut stream);
    let written = input.len().saturating_sub(stream.left());
    // SAFETY: there is capacity for all of the input, and the caller promises that this much of it was written.
    unsafe { out.set_len(out.len() + written) };
}

/// `N` bytes to read, and the place of as many to write.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a, const N: usize> {
    from: *const u8,
    to: *mut u8,
    borrowed: PhantomData<&'a mut [u8]>,
}

impl<'a, const N: usize> Piece<'a, N> {
    /// Bytes that are read only.
    pub(super) fn of(bytes: &'a [u8; N]) -> Self {
        Self { from: bytes.as_ptr(), to: ptr::null_mut(), borrowed: PhantomData }
    }

    /// Where `M` bytes can be read, `at` bytes from the start.
    #[inline(always)]
    pub(super) fn readable<const M: usize>(&self, at: usize) -> Option<*const u8> {
        // Within the piece, and so within what was borrowed.
        at.checked_add(M).is_some_and(|end| end <= N).then(|| self.from.wrapping_add(at))
    }

    /// Where `M` bytes can be written, `at` bytes from the start.
    #[inline(always)]
    pub(super) fn writable<const M: usize>(&self, at: usize) -> Option<*mut u8> {
        let inside = at.checked_add(M).is_some_and(|end| end <= N);
        (inside && !self.to.is_null()).then(|| self.to.wrapping_add(at))
    }
}
