//! The clock and the medians.

/// What one thread has calculated so far, in microseconds.
pub fn thread_micros() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec of this frame.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// One run of each case in turn, A B C A B C, so that what the machine does beside hits all alike; the median of each.
pub fn interleaved(cases: &mut [&mut dyn FnMut()], seconds: f64) -> Vec<f64> {
    let mut times = vec![Vec::new(); cases.len()];
    // The first round warms up, and tells how many there can be.
    let started = thread_micros();
    cases.iter_mut().for_each(|case| case());
    let once = (thread_micros() - started).max(1.0);
    let rounds = ((seconds * 1e6 / once) as usize).clamp(5, 4000);
    for _ in 0..rounds {
        for (case, times) in cases.iter_mut().zip(&mut times) {
            let start = thread_micros();
            case();
            times.push(thread_micros() - start);
        }
    }
    times.into_iter().map(median).collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
