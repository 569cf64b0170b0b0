//! What `tokenlatch serve` prints once the service is reachable.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::first_run::{self, First, ServiceAddresses, Step};

/// The values printed once the service is reachable.
pub struct Announcement {
    pub account: String,
    pub admin: Option<String>,
    pub snapshot: Option<String>,
    pub metrics: Option<String>,
    pub guard: Option<String>,
    pub database: String,
    pub certificate: Option<PathBuf>,
    /// The public key of the published snapshots, and their maximum age in seconds.
    pub snapshots: Option<(String, u32)>,
    pub first: Option<First>,
}

#[derive(Serialize)]
struct Document<'a> {
    serving: Serving<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<&'a First>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<Step>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Serving<'a> {
    account: &'a str,
    admin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guard: Option<&'a str>,
    database: &'a str,
    certificate: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<&'a str>,
}

impl Announcement {
    /// Prints them.
    pub fn print(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        let reached = ServiceAddresses {
            account: &self.account,
            admin: self.admin.as_deref(),
            certificate: self.certificate.as_deref(),
        };
        let steps = self.first.as_ref().map(|first| first_run::steps(first, &reached));
        if context.output.wants_json() {
            return context.output.json(&Document {
                serving: Serving {
                    account: &self.account,
                    admin: self.admin.as_deref(),
                    snapshot: self.snapshot.as_deref(),
                    metrics: self.metrics.as_deref(),
                    guard: self.guard.as_deref(),
                    database: &self.database,
                    certificate: self.certificate.as_deref(),
                    public_key: self.snapshots.as_ref().map(|(key, _)| key.as_str()),
                },
                first: self.first.as_ref(),
                steps,
            });
        }
        self.lines(steps.unwrap_or_default(), context)
    }

    fn lines(&self, steps: Vec<Step>, context: &mut Context<'_>) -> Result<(), Failure> {
        let output = &mut *context.output;
        output.line(format!("Accounts:      {}", self.account))?;
        if let Some(admin) = &self.admin {
            output.line(format!("Administrator: {admin}"))?;
        }
        if let Some(snapshot) = &self.snapshot {
            output.line(format!("Edges:         {snapshot}"))?;
        }
        if let Some(metrics) = &self.metrics {
            output.line(format!("Metrics:       {metrics}/metrics"))?;
        }
        if let Some(guard) = &self.guard {
            output.line(format!("Guarded API:   {guard}"))?;
        }
        output.line(format!("Database:      {}", self.database))?;
        if let Some(certificate) = &self.certificate {
            output.line(format!("Certificate:   {}", certificate.display()))?;
        }
        if let Some((key, max_age)) = &self.snapshots {
            output.line(format!("Snapshots:     public key {key}, valid for {max_age} seconds"))?;
        }
        let Some(first) = &self.first else {
            return output.line("`tokenlatch account list` lists the accounts, `tokenlatch serve --help` all options.");
        };
        output.line(format!(
            "\nFirst start: created the account `{}`. Its password for the page and a token for each port, valid for 24 hours,\n\
             are in files that only you can read:\n  {}\n  {}\n  {}\n",
            first.user,
            first.password_file.display(),
            first.account_header.display(),
            first.admin_header.display()
        ))?;
        output.line(format!("Page for tokens:        {}/", self.account))?;
        if let Some(admin) = &self.admin {
            output.line(format!("Page for administrators: {admin}/"))?;
        }
        output.line(format!(
            "Log in as `{}` with that password; `tokenlatch account password {}` changes it.",
            first.user, first.user
        ))?;
        if self.certificate.is_some() {
            output.line("The certificate is self-signed, so the browser warns about it; continue anyway.")?;
        }
        output.line("\nOr try these commands in another shell:\n")?;
        for Step { what, line } in steps {
            output.line(format!("# {what}\n{line}"))?;
        }
        output.line("\nNext: `tokenlatch account add NAME --all-features` adds an account of your own.")
    }
}
