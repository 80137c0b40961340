//! A second thread for work of a few microseconds: the halves of one stream's products, step by step.
//!
//! Handing a job to a thread pool takes microseconds, and a step of one stream has several products that take no longer. So one partner thread looks
//! for work in a loop, and finds it some hundred nanoseconds after it was put down. It looks for a short while after its last job and is parked
//! otherwise, so that it takes no time from anybody where there is nothing to do. Whoever hands over a job does their own half and, if nobody has
//! begun the other by then, takes it back and does it too: a partner that sleeps, or whose core is taken, is not waited for.
//!
//! One that is interrupted at work must be waited for, and that may take a scheduler's turn of milliseconds. After such a wait nothing is handed over
//! for fifty times as long: on a machine whose cores are all busy, two threads cost little more than one.
//!
//! The halves are the same ones every time, so each thread's share of a matrix can stay in its core's cache. Results do not depend on who does which
//! half.

#![allow(unsafe_code, reason = "a job on the caller's stack is run by another thread, which the caller outlives")]

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Multiply–adds from which a product is worth two threads: a few microseconds of one.
const WORTH_A_PARTNER: usize = 48 * 1024;
/// How long the partner looks for another job.
const PATIENCE: Duration = Duration::from_micros(100);
/// Who is waited for longer than this, in nanoseconds, was interrupted.
const INTERRUPTED: u64 = 500_000;
/// After such a wait nothing is handed over for so many times as long.
const REST: u64 = 50;
/// Looks between two glances at the clock.
const LOOKS: u32 = 256;

/// Nothing is handed over.
const EMPTY: u32 = 0;
/// A job waits.
const POSTED: u32 = 1;
/// The partner is at work.
const TAKEN: u32 = 2;
/// It is done.
const DONE: u32 = 3;

/// Whether a product of `work` multiply–adds should be halved.
pub(crate) fn is_worth_a_partner(work: usize) -> bool {
    work >= WORTH_A_PARTNER && rayon::current_num_threads() > 1
}

/// Does both, at the same time if the partner is awake and free. It never changes a result, as long as neither depends on the other.
///
/// # Panics
/// If one of them does: as that one.
pub(crate) fn both(own: impl FnOnce(), other: impl FnOnce() + Send) {
    match partner() {
        Some(partner) if !partner.is_in_use.swap(true, Ordering::Acquire) => {
            let partner = InUse(partner);
            partner.0.both(own, other);
        }
        _ => {
            own();
            other();
        }
    }
}

/// The two threads' meeting place.
struct Partner {
    /// Somebody has handed over a job, or is about to.
    is_in_use: AtomicBool,
    state: AtomicU32,
    /// The job: a [`Handed`] on the stack of whoever handed it over.
    job: AtomicPtr<()>,
    run: AtomicPtr<()>,
    is_parked: AtomicBool,
    /// Until then nothing is handed over: nanoseconds of [`now`]; 0 where it is.
    rests_until: AtomicU64,
    thread: OnceLock<Thread>,
}

/// Nanoseconds since the first call.
fn now() -> u64 {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// A job, and what became of it.
struct Handed<F> {
    job: UnsafeCell<Option<F>>,
    panic: UnsafeCell<Option<Box<dyn Any + Send>>>,
}

/// The partner, made when it is first asked for; none where no thread can be had.
fn partner() -> Option<&'static Partner> {
    static PARTNER: Partner = Partner {
        is_in_use: AtomicBool::new(false),
        state: AtomicU32::new(EMPTY),
        job: AtomicPtr::new(std::ptr::null_mut()),
        run: AtomicPtr::new(std::ptr::null_mut()),
        is_parked: AtomicBool::new(false),
        rests_until: AtomicU64::new(0),
        thread: OnceLock::new(),
    };
    static IS_THERE: OnceLock<bool> = OnceLock::new();
    let start = || {
        let spawned = thread::Builder::new().name("ostl-partner".into()).spawn(|| PARTNER.look_for_work());
        spawned.is_ok_and(|handle| PARTNER.thread.set(handle.thread().clone()).is_ok())
    };
    IS_THERE.get_or_init(start).then_some(&PARTNER)
}

/// Runs a job that was handed over.
///
/// # Safety
/// `job` must be a `Handed<F>` that lives until the state is `DONE`, and nobody else may run it.
unsafe fn run<F: FnOnce()>(job: *const ()) {
    // SAFETY: the caller's promise.
    let handed = unsafe { &*job.cast::<Handed<F>>() };
    // SAFETY: whoever has taken the job is alone with it.
    let outcome = catch_unwind(AssertUnwindSafe(|| unsafe { (*handed.job.get()).take() }.map(|job| job())));
    if let Err(panic) = outcome {
        // SAFETY: as above.
        unsafe { *handed.panic.get() = Some(panic) };
    }
}

impl Partner {
    /// The partner's life.
    fn look_for_work(&self) {
        let (mut since, mut looks) = (Instant::now(), 0);
        loop {
            if self.state.compare_exchange_weak(POSTED, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                let job: *const () = self.job.load(Ordering::Relaxed);
                // SAFETY: `run` was stored by `both`, as a function of this type.
                let run: unsafe fn(*const ()) = unsafe { std::mem::transmute(self.run.load(Ordering::Relaxed)) };
                // SAFETY: the state says that the job waits, and whoever handed it over waits for `DONE` now.
                unsafe { run(job) };
                self.state.store(DONE, Ordering::Release);
                (since, looks) = (Instant::now(), 0);
                continue;
            }
            std::hint::spin_loop();
            looks += 1;
            if looks % LOOKS == 0 && since.elapsed() > PATIENCE {
                self.is_parked.store(true, Ordering::SeqCst);
                if self.state.load(Ordering::SeqCst) != POSTED {
                    thread::park();
                }
                self.is_parked.store(false, Ordering::Relaxed);
                since = Instant::now();
            }
        }
    }

    /// Hands `other` over, does `own`, and sees to it that `other` is done, too.
    fn both<F: FnOnce() + Send>(&self, own: impl FnOnce(), other: F) {
        let rests_until = self.rests_until.load(Ordering::Relaxed);
        if rests_until > 0 {
            if now() < rests_until {
                own();
                return other();
            }
            self.rests_until.store(0, Ordering::Relaxed);
        }
        let handed = Handed { job: UnsafeCell::new(Some(other)), panic: UnsafeCell::new(None) };
        self.job.store((&raw const handed).cast_mut().cast(), Ordering::Relaxed);
        self.run.store(run::<F> as *mut (), Ordering::Relaxed);
        self.state.store(POSTED, Ordering::SeqCst);
        if self.is_parked.load(Ordering::SeqCst) {
            self.thread.get().into_iter().for_each(Thread::unpark);
        }
        // Whatever happens here, the job must not outlive this frame.
        let outcome = catch_unwind(AssertUnwindSafe(own));
        if self.state.compare_exchange(POSTED, EMPTY, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            // SAFETY: nobody has begun it, and nobody will.
            unsafe { run::<F>((&raw const handed).cast()) };
        } else {
            self.wait();
        }
        if let Some(panic) = outcome.err().or(handed.panic.into_inner()) {
            resume_unwind(panic);
        }
    }

    /// Waits for the other half. If whoever does it was interrupted, nothing is handed over for a while.
    fn wait(&self) {
        let (mut since, mut looks) = (0, 0_u32);
        while self.state.load(Ordering::Acquire) != DONE {
            std::hint::spin_loop();
            looks += 1;
            if looks == LOOKS {
                since = now();
            }
        }
        self.state.store(EMPTY, Ordering::Relaxed);
        if looks >= LOOKS {
            let ended = now();
            let waited = ended.saturating_sub(since);
            if waited > INTERRUPTED {
                self.rests_until.store(ended.saturating_add(waited.saturating_mul(REST)), Ordering::Relaxed);
            }
        }
    }
}

/// Whoever has the partner to themselves gives it back, also in a panic.
struct InUse<'a>(&'a Partner);

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        self.0.is_in_use.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_are_done_every_time_whoever_asks() {
        let sums: Vec<u64> = thread::scope(|scope| {
            let ask = |seed: u64| {
                scope.spawn(move || {
                    let mut sum = 0;
                    for i in 0..20_000 {
                        let (mut one, mut other) = (0, 0);
                        both(|| one = seed + i, || other = 2 * i);
                        sum += one + other;
                        if i % 5000 == 0 {
                            // Long enough for the partner to be parked.
                            thread::sleep(3 * PATIENCE);
                        }
                    }
                    sum
                })
            };
            [1, 2, 3].map(ask).map(|asked| asked.join().unwrap()).to_vec()
        });
        let all = (0..20_000).sum::<u64>();
        assert_eq!(sums, [1, 2, 3].map(|seed| 20_000 * seed + 3 * all));
    }

    #[test]
    fn a_panic_in_either_half_comes_out_and_the_next_job_is_done() {
        for half in [0, 1] {
            for _ in 0..200 {
                let (mut own, mut other) = (false, false);
                let outcome = catch_unwind(AssertUnwindSafe(|| {
                    both(
                        || {
                            own = true;
                            assert_ne!(half, 0, "as asked for");
                        },
                        || {
                            other = true;
                            assert_ne!(half, 1, "as asked for");
                        },
                    );
                }));
                assert!(outcome.is_err() && own && (other || half == 0), "a half before the one that panics is done");
            }
        }
        let (mut own, mut other) = (0, 0);
        both(|| own += 1, || other += 1);
        assert_eq!([own, other], [1, 1]);
    }
}
