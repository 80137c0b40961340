//! A training step allocates nothing after the first, whatever the carry; alone in its binary, because it counts allocations.
#![allow(unsafe_code, reason = "a counting allocator has to implement GlobalAlloc")]

#[path = "cells/stacks.rs"]
mod stacks;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ostl_cells::CellConfig;
use ostl_core::{
    Carry, Head, Heads, Learner, Loss, Method, Objective, OptimizerSettings, ParameterRun, SequenceBatch, Target, Update,
    UpdateRule, UpdateStep, Weighted, Window,
};
use stacks::{LayerPlan, Plan};

const CARRIES: [Carry; 9] = [
    Carry::None,
    Carry::Local,
    Carry::Layer,
    Carry::Network,
    Carry::Snap(1),
    Carry::Snap(2),
    Carry::Uoro(1),
    Carry::LocalUoro(2),
    Carry::KfRtrl,
];

struct Counting;

thread_local! {
    /// Of this thread alone: what runs the tests has threads of its own, which allocate when they like.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count_one() {
    // A thread that ends may free and allocate when its own values are gone already.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count_one();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(of: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    of();
    ALLOCATIONS.get() - before
}

#[test]
fn a_training_step_allocates_nothing_after_the_first() {
    assert!(allocations(|| drop(std::hint::black_box(vec![0_u8; 100]))) > 0, "the counter counts");
    // On one thread inside a pool, which is the one that counts: the engine's own jobs live on the stack.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        for (name, cell) in CellConfig::every() {
            for carry in CARRIES {
                for window in [1, 3] {
                    counts(&name, cell, Method { carry, ..Method::bptt() }.with_window(window));
                }
            }
            for carry in CARRIES {
                counts(&name, cell, Method { carry, window: Window::Rolling { steps: 3, every: 2 }, ..Method::bptt() });
            }
            counts(&name, cell, Method::rolling_tbptt(3));
        }
    });
}

fn counts(name: &str, cell: CellConfig, method: Method) {
    let plan = Plan {
        inputs: 3,
        layers: vec![LayerPlan::Cell(cell, 9), LayerPlan::Cell(cell, 7)],
        outputs: 3,
        loss: Loss::SoftmaxCrossEntropy,
        lengths: vec![24; 2],
        targets: 100,
        resets: 10,
        active: 100,
        seed: 1,
    };
    let method = method.with_update(Update::Window);
    let objective = Objective::from(plan.loss).with_class_weights(&[1.0, 0.5, 3.0]).unwrap().with_label_smoothing(0.1);
    let objective = objective.unwrap();
    let adam = OptimizerSettings::adam(0.01).clipped(1.0);
    let learner = Learner::new(plan.network::<f64>(), objective.clone(), method, adam, 2);
    steps_allocate_nothing(name, &plan, learner.unwrap());
    if method.carry == Carry::Local {
        let own = OptimizerSettings::new(Sign, 0.01).clipped(1.0);
        steps_allocate_nothing(name, &plan, Learner::new(plan.network::<f64>(), objective, method, own, 2).unwrap());
    }
}

/// A rule of one's own.
#[derive(Debug)]
struct Sign;

impl UpdateRule<f64> for Sign {
    fn name(&self) -> &str {
        "sign"
    }
    fn state(&self) -> &[&str] {
        &["velocity"]
    }
    fn update(&self, step: UpdateStep, run: ParameterRun<'_, f64>) {
        let (weights, gradient, [velocity]) = run.split();
        for ((w, g), v) in weights.iter_mut().zip(gradient).zip(velocity) {
            *v = 0.9 * *v + g;
            *w -= step.learning_rate * v.signum();
        }
    }
}

fn steps_allocate_nothing(name: &str, plan: &Plan, mut learner: Learner<f64>) {
    let method = *learner.method();
    let step = |learner: &mut Learner<f64>, class: usize| {
        learner.predict(&[0.1, -0.7, 0.4, 0.2, 0.3, -0.6]).unwrap();
        learner.learn(&[Some(Target::Class(class)), None]).unwrap();
    };
    step(&mut learner, 0);
    let streaming = allocations(|| (0..200).for_each(|i| step(&mut learner, i % 3)));
    assert_eq!(streaming, 0, "{name} {method:?}: streaming");

    let batch = plan.batch();
    learner.learn_batch(&batch).unwrap();
    let batches = allocations(|| {
        for _ in 0..5 {
            learner.learn_batch(&batch).unwrap();
        }
    });
    assert_eq!(batches, 0, "{name} {method:?}: batches");
}

#[test]
fn nor_does_one_of_several_heads() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let (name, cell) = CellConfig::every().into_iter().next().unwrap();
        for carry in CARRIES {
            for window in [1, 3] {
                counts_heads(
                    &name,
                    cell,
                    Method { carry, ..Method::bptt() }.with_window(window).with_update(Update::Window),
                );
            }
        }
    });
}

fn counts_heads(name: &str, cell: CellConfig, method: Method) {
    // Two lanes.
    const STREAMS: usize = 11;
    let plan = Plan {
        inputs: 3,
        layers: vec![LayerPlan::Cell(cell, 9)],
        outputs: 3,
        loss: Loss::MeanSquaredError,
        lengths: vec![24; STREAMS],
        targets: 100,
        resets: 10,
        active: 100,
        seed: 1,
    };
    let class = Head::new("class", 2, Loss::SoftmaxCrossEntropy).weighted(0.5);
    let heads = Heads::new([class, Head::new("value", 1, Loss::MeanSquaredError)]).unwrap();
    let settings = OptimizerSettings::adam(0.01).clipped(1.0);
    let mut batch = SequenceBatch::for_heads(3, &heads, &[24; STREAMS]);
    for stream in 0..STREAMS {
        for step in (0..24).filter(|step| (step + stream) % 3 > 0) {
            batch.input_mut(stream, step).fill(0.7);
            batch.head_mut("value").values_mut(stream, step)[0] = 0.3;
            batch.head_mut("class").set_class(stream, step, step % 2);
        }
    }
    let mut learner = Learner::with_heads(plan.network::<f64>(), heads, method, settings, STREAMS).unwrap();
    let step = |learner: &mut Learner<f64>, class: usize| {
        learner.predict(&[0.1; 3 * STREAMS]).unwrap();
        let mut rows = [[Some(Target::Class(class)), Some(Target::Values(&[0.4]))]; STREAMS];
        rows[class][class] = None;
        learner.learn_heads(&rows).unwrap();
        learner.predict(&[0.2; 3 * STREAMS]).unwrap();
        learner.learn_heads_weighted(&rows.map(|row| row.map(|target| target.map(Weighted::from)))).unwrap();
        assert_eq!(learner.head_score(["class", "value"][class]).targets, STREAMS as u64 - 1);
    };
    step(&mut learner, 0);
    let streaming = allocations(|| (0..100).for_each(|i| step(&mut learner, i % 2)));
    assert_eq!(streaming, 0, "{name} {method:?}: streaming");
    learner.learn_batch(&batch).unwrap();
    let batches = allocations(|| (0..5).for_each(|_| assert!(learner.learn_batch(&batch).is_ok())));
    assert_eq!(batches, 0, "{name} {method:?}: batches");
}
