//! A loss of one's own: policy gradient (REINFORCE) on a bandit with memory. A cue at the first step says which arm pays; six steps later one is
//! pulled, and all that is known afterwards is what it paid.

use ostl_cells::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = Network::<f32>::builder(2).seed(3).recurrent(Lstm::new(), 8).readout(2)?;
    let mut engine = Engine::new(network, Method { window: Window::Steps(4), carry: Carry::Layer, ..Method::ostl() }, 1)?;
    let (mut random, mut baseline, mut paid) = (1_u64, 0.5_f32, 0.0);
    for trial in 1..=3000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (cue, chance) = ((random >> 40) as usize % 2, (random >> 41) as f32 / (1_u64 << 23) as f32);
        engine.reset(0);
        let mut preference = [0.0; 2];
        for step in 0..7 {
            let input = [f32::from(u8::from(step == 0 && cue == 0)), f32::from(u8::from(step == 0 && cue == 1))];
            let outputs = engine.predict(&input)?;
            preference = [outputs[0], outputs[1]];
            if step < 6 {
                engine.learn(&[None])?;
            }
        }
        let first = 1.0 / (1.0 + (preference[1] - preference[0]).exp());
        let arm = usize::from(chance > first);
        let reward = f32::from(u8::from(arm == cue));
        // ∂(−reward · ln p of the arm)/∂preference, with a baseline.
        let advantage = reward - baseline;
        let p = [first, 1.0 - first];
        let signal = [0, 1].map(|k| advantage * (p[k] - f32::from(u8::from(k == arm))));
        engine.learn(&[Some(Signal::of_error(&signal))])?;
        engine.finish();
        engine.update(|weights, gradient| weights.iter_mut().zip(gradient).for_each(|(w, g)| *w -= 0.2 * g))?;
        baseline += 0.02 * (reward - baseline);
        paid += reward;
        if trial % 600 == 0 {
            println!("trials to {trial}: {:.0} % paid", paid / 6.0);
            paid = 0.0;
        }
    }
    Ok(())
}
