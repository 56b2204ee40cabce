//! The CI servers that have an example in `docs/ci`.

/// A CI server.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Ci {
    /// GitLab CI
    Gitlab,
    /// GitHub Actions
    Github,
    /// Jenkins
    Jenkins,
}

impl Ci {
    /// Name and text of the job in `docs/ci`.
    pub(super) const fn example(self) -> (&'static str, &'static str) {
        match self {
            Self::Gitlab => (
                "gitlab-ci.yml",
                include_str!("../../../../../../docs/ci/gitlab-ci.yml"),
            ),
            Self::Github => (
                "github-actions.yml",
                include_str!("../../../../../../docs/ci/github-actions.yml"),
            ),
            Self::Jenkins => (
                "Jenkinsfile",
                include_str!("../../../../../../docs/ci/Jenkinsfile"),
            ),
        }
    }
}
