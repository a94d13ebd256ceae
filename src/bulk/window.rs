//! The order of a job: workers take from one end and put back in any order, the caller gets what is next. Nobody runs further
//! ahead of the caller than the window is wide, which is the back-pressure.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(super) struct Window<I, T> {
    state: Mutex<State<I, T>>,
    /// For workers: the window moved, or it is over.
    room: Condvar,
    /// For the caller: what it waits for is there, or it is over.
    head: Condvar,
    width: u64,
}

struct State<I, T> {
    feed: I,
    /// From what is next for the caller to what was taken last.
    slots: VecDeque<Slot<T>>,
    /// The number of the first slot.
    first: u64,
    /// Nothing more is taken.
    closed: bool,
    waiting: usize,
}

enum Slot<T> {
    Taken,
    /// There is something for the caller, or not.
    Back(Option<T>),
}

impl<I: Iterator, T> Window<I, T> {
    pub(super) fn new(feed: I, width: usize) -> Self {
        let state = State { feed, slots: VecDeque::new(), first: 0, closed: false, waiting: 0 };
        Self { state: Mutex::new(state), room: Condvar::new(), head: Condvar::new(), width: width.max(1) as u64 }
    }

    /// The next item with its number, as soon as there is room; `None` where there is none any more.
    pub(super) fn take(&self) -> Option<(u64, I::Item)> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if (state.slots.len() as u64) < self.width {
                break;
            }
            state.waiting += 1;
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        let next = catch_unwind(AssertUnwindSafe(|| state.feed.next()));
        let Ok(Some(item)) = next else {
            drop(state);
            self.close();
            // A feed that panics ends the job; the panic goes on to the caller.
            if let Err(panic) = next {
                resume_unwind(panic);
            }
            return None;
        };
        let number = state.first + state.slots.len() as u64;
        state.slots.push_back(Slot::Taken);
        Some((number, item))
    }

    /// Puts back what became of an item: something for the caller, or nothing.
    pub(super) fn put(&self, number: u64, outcome: Option<T>) {
        let mut state = self.lock();
        let at = number.wrapping_sub(state.first);
        if let Some(slot) = usize::try_from(at).ok().and_then(|at| state.slots.get_mut(at)) {
            *slot = Slot::Back(outcome);
        }
        if at == 0 {
            self.head.notify_one();
        }
    }

    /// What is next for the caller; `None` at the end.
    pub(super) fn next(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            match state.slots.front() {
                None if state.closed => return None,
                None | Some(Slot::Taken) => state = self.head.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Slot::Back(_)) => {
                    let back = state.slots.pop_front();
                    state.first += 1;
                    if state.waiting > 0 {
                        self.room.notify_one();
                    }
                    if let Some(Slot::Back(Some(outcome))) = back {
                        return Some(outcome);
                    }
                }
            }
        }
    }

    /// Nothing more is taken; what is being worked on still comes back.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.room.notify_all();
        self.head.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<I, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
