//! Plants bugs in a copy of the tree, one after another, and reports which layer of tests catches each: `cargo run -p
//! tokenlatch-tests --bin planted`.

mod kept;
mod layers;
mod report;
mod run;
mod tree;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use clap::Parser;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};
use tokenlatch_build::target_dir;
use tokenlatch_tests::Fault;
use tokenlatch_tests::planted::{Patch, folder, patches, workspace};
use tokenlatch_tests::report::print_json;

use kept::{Kept, key};
use layers::{LAYERS, Layer, reached};
use report::{Finding, Row, summary, table};
use run::{End, Runner};
use tree::Tree;

/// Applies each patch of tests/planted to a copy of the tree, and runs layers of tests, from cheap to dear, until one fails. Fails
/// unless every planted bug is caught.
///
/// Results are kept in target/planted while the tree and the patch are unchanged, so a run can be resumed.
#[derive(Parser)]
struct Arguments {
    /// Runs only patches whose name contains this text. May be repeated.
    #[arg(long, value_name = "PART")]
    only: Vec<String>,
    /// Runs only this layer, and the patches that it can catch. May be repeated.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(LAYERS.iter().map(|layer| layer.name)))]
    layer: Vec<String>,
    /// Prints one JSON object per patch instead of a table.
    #[arg(long)]
    json: bool,
    /// Lists the patches with their mistakes and layers, and runs nothing.
    #[arg(long)]
    list: bool,
    /// Runs everything again, also what is known from an earlier run.
    #[arg(long)]
    again: bool,
}

fn main() -> ExitCode {
    match planted(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("planted: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn planted(arguments: &Arguments) -> Result<bool, Fault> {
    let mut chosen = patches()?;
    let wanted =
        |patch: &Patch| arguments.only.is_empty() || arguments.only.iter().any(|part| patch.name.contains(part));
    chosen.retain(wanted);
    chosen.retain(|patch| !arguments.layers_of(patch).is_empty());
    if chosen.is_empty() {
        let folder = folder();
        return Err(Fault::new(format!(
            "no patch in {} has such a name and layer",
            folder.display()
        )));
    }
    // Patches of one folder follow each other, so that less is built again.
    chosen.sort_by_key(first_layer);
    if arguments.list {
        for patch in &chosen {
            let names: Vec<&str> = arguments.layers_of(patch).iter().map(|layer| layer.name).collect();
            println!(
                "{}\n    {}\n    class: {}\n    layers: {}",
                patch.name,
                patch.mistake,
                patch.class,
                names.join(", ")
            );
        }
        return Ok(true);
    }
    let rows = Run::new(arguments)?.all(&chosen)?;
    if arguments.json {
        print_json(&rows)?;
    } else {
        println!("{}\n{}", table(&rows), summary(&rows));
    }
    for fault in rows.iter().filter_map(Row::fault) {
        eprintln!("planted: {fault}");
    }
    Ok(rows.iter().all(Row::is_caught))
}

impl Arguments {
    /// The layers that contain the patched code, of those that are asked for.
    fn layers_of(&self, patch: &Patch) -> Vec<&'static Layer> {
        let mut layers = layers_of(patch);
        layers.retain(|layer| self.layer.is_empty() || self.layer.iter().any(|name| name == layer.name));
        layers
    }
}

/// The layers that contain the patched code.
fn layers_of(patch: &Patch) -> Vec<&'static Layer> {
    reached(patch.diff.files.iter().map(|file| file.path.as_str()))
}

fn first_layer(patch: &Patch) -> usize {
    let first = layers_of(patch).first().map(|layer| layer.name);
    LAYERS
        .iter()
        .position(|layer| Some(layer.name) == first)
        .unwrap_or(LAYERS.len())
}

/// One run of the program.
struct Run<'a> {
    arguments: &'a Arguments,
    tree: Tree,
    runner: Runner,
    kept: Kept,
    bar: ProgressBar,
    /// Removed with what stopped tests have left in it.
    _scratch: tempfile::TempDir,
    /// Held, because two runs would change the same copy.
    _lock: File,
}

impl<'a> Run<'a> {
    fn new(arguments: &'a Arguments) -> Result<Self, Fault> {
        let source = workspace().canonicalize().map_err(Fault::during("the workspace"))?;
        let home = target_dir(&source).join("planted");
        let lock = lock(&home)?;
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted)).map_err(Fault::during("signals"))?;
        }
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed:>4} {msg}");
        bar.set_style(style.map_err(Fault::during("the progress bar"))?);
        bar.enable_steady_tick(Duration::from_secs(1));
        bar.set_message("copying the tree");
        let scratch = tempfile::tempdir().map_err(Fault::during("a temporary folder"))?;
        // PostgreSQL refuses to run as root, so it runs as another user below this folder.
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(scratch.path(), open).map_err(Fault::during(scratch.path().display()))?;
        Ok(Run {
            arguments,
            tree: Tree::new(source, home.join("tree"))?,
            runner: Runner {
                tree: home.join("tree"),
                target: home.join("target"),
                logs: home.join("logs"),
                scratch: scratch.path().to_owned(),
                interrupted,
            },
            kept: Kept::new(home.join("results"), arguments.again),
            bar,
            _scratch: scratch,
            _lock: lock,
        })
    }

    fn all(&self, patches: &[Patch]) -> Result<Vec<Row>, Fault> {
        self.bar.set_length(patches.len().try_into().unwrap_or(u64::MAX));
        let mut rows = Vec::new();
        for patch in patches {
            let row = self.one(patch)?;
            self.bar.suspend(|| eprintln!("{}", row.line()));
            rows.push(row);
            self.bar.inc(1);
        }
        self.bar.finish_and_clear();
        Ok(rows)
    }

    /// The result of one patch.
    fn one(&self, patch: &Patch) -> Result<Row, Fault> {
        let layers = self.arguments.layers_of(patch);
        let mut finding = Finding::Missed {
            layers: layers.iter().map(|layer| layer.name.to_owned()).collect(),
        };
        let mut planted = false;
        let mut seconds = 0;
        for layer in layers {
            let (name, key) = (format!("{}-{}", patch.name, layer.name), self.key(layer, &patch.text));
            let (end, took) = match self.kept.get(&name, &key) {
                Some(known) => known,
                None => {
                    if self.needs_baseline(layer) {
                        self.tree.restore()?;
                        planted = false;
                        self.baseline(layer)?;
                    }
                    self.bar.set_message(format!("{}: {}", patch.name, layer.name));
                    // Written once, since cargo builds again what was written.
                    if !planted {
                        if let Err(fault) = self.plant(patch) {
                            let message = fault.to_string();
                            finding = Finding::DoesNotApply { message };
                            break;
                        }
                        planted = true;
                    }
                    let begun = Instant::now();
                    let ended = (self.runner.run(layer, &patch.name)?, begun.elapsed().as_secs());
                    if !matches!(ended, (End::Broken(_), _)) {
                        self.kept.put(&name, &key, &ended)?;
                    }
                    ended
                }
            };
            seconds += took;
            match end {
                End::Passed => {}
                End::Failed(test) => {
                    let layer = layer.name.to_owned();
                    finding = Finding::Caught { layer, test };
                    break;
                }
                End::NotBuilt(message) => {
                    finding = Finding::DoesNotCompile { message };
                    break;
                }
                End::Broken(message) => {
                    finding = Finding::Broken { message };
                    break;
                }
            }
        }
        if planted {
            self.tree.restore()?;
        }
        Ok(Row::new(patch, finding, seconds))
    }

    /// Applies a patch to the copy.
    fn plant(&self, patch: &Patch) -> Result<(), Fault> {
        for change in patch.changes(&self.tree.copy)? {
            fs::write(&change.path, &change.after).map_err(Fault::during(change.path.display()))?;
        }
        Ok(())
    }

    /// The key of a layer's result with a patch; without one, its text is empty.
    fn key(&self, layer: &Layer, patch: &str) -> String {
        key(&[&self.tree.digest(&layer.reads()), &format!("{layer:?}"), patch])
    }

    /// Whether a layer has not passed yet without a patch. That it has is kept also with `--again`.
    fn needs_baseline(&self, layer: &Layer) -> bool {
        !self.kept.known(&baseline(layer), &self.key(layer, ""))
    }

    /// Runs a layer without a patch.
    fn baseline(&self, layer: &Layer) -> Result<(), Fault> {
        self.bar.set_message(format!("without a patch: {}", layer.name));
        let begun = Instant::now();
        let end = self.runner.run(layer, "baseline")?;
        self.tree.restore()?;
        match end {
            End::Passed => {
                let seconds = begun.elapsed().as_secs();
                self.bar
                    .suspend(|| eprintln!("without a patch: {} passes ({seconds} s)", layer.name));
                self.kept.put(&baseline(layer), &self.key(layer, ""), &seconds)
            }
            End::Failed(test) => Err(Fault::new(format!(
                "without a patch the layer {} fails, at {test}. Mend the tree first; the output is in {}",
                layer.name,
                self.runner.log(layer, "baseline").display()
            ))),
            End::Broken(message) => Err(Fault::new(format!("without a patch: {message}"))),
            End::NotBuilt(message) => Err(Fault::new(format!(
                "without a patch the layer {} does not compile: {message}",
                layer.name
            ))),
        }
    }
}

/// The name of a layer's result without a patch.
fn baseline(layer: &Layer) -> String {
    format!("baseline-{}", layer.name)
}

/// Locks the folder against another run.
fn lock(home: &Path) -> Result<File, Fault> {
    fs::create_dir_all(home).map_err(Fault::during(home.display()))?;
    let path = home.join("lock");
    let file = File::create(&path).map_err(Fault::during(path.display()))?;
    file.try_lock().map_err(|error| {
        Fault::new(format!(
            "another run uses {}; wait until it has ended ({error})",
            home.display()
        ))
    })?;
    Ok(file)
}
