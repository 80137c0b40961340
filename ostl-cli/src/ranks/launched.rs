//! Whether this process was started together with others.

/// Where launchers say how many processes they started: OpenMPI's and MPICH's `mpirun`, and `srun`. A job script of SLURM has none of these, so that
/// a program in it that is started plainly is by itself.
const VARIABLES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"];

/// How many processes were started, if more than one.
pub(super) fn count() -> Option<usize> {
    count_in(|name| std::env::var(name).ok())
}

fn count_in(variable: impl Fn(&str) -> Option<String>) -> Option<usize> {
    VARIABLES.iter().filter_map(|name| variable(name)?.trim().parse().ok()).find(|&count| count > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchers_are_known_by_their_variables() {
        let with =
            |name: &'static str, value: &'static str| count_in(move |asked| (asked == name).then(|| value.to_owned()));
        assert_eq!(with("OMPI_COMM_WORLD_SIZE", "4"), Some(4));
        assert_eq!(with("PMI_SIZE", "2"), Some(2));
        assert_eq!(with("SLURM_STEP_NUM_TASKS", "16"), Some(16));
        for none in [with("SLURM_NTASKS", "4"), with("PMI_SIZE", "1"), with("PMI_SIZE", "many"), with("HOME", "3")] {
            assert_eq!(none, None);
        }
    }
}
