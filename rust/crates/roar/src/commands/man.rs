//! `roar man`: manual pages, made of what `--help` says.

use std::path::Path;

use clap::Command;
use clap_mangen::Man;

use crate::cli::{self, ManArgs};
use crate::error::{CliError, Kind};
use crate::{quote, ui};

pub(crate) fn man(args: &ManArgs) -> Result<(), CliError> {
    let mut root = cli::definition();
    // Gives every command its name as typed.
    root.build();
    if let Some(directory) = &args.directory {
        return write_all(&root, "roar", directory);
    }
    let (mut command, mut name) = (&root, "roar".to_owned());
    for word in &args.command {
        command = command.find_subcommand(word).ok_or_else(|| {
            CliError::new(Kind::User, format!("{name} has no command {}", quote::word(word.as_bytes())))
                .with_hint("`roar --help` lists the commands")
        })?;
        name = format!("{name}-{}", command.get_name());
    }
    ui::print(&page(command, &name)?)
}

/// Writes the page of a command and those of the commands below it.
fn write_all(command: &Command, name: &str, directory: &Path) -> Result<(), CliError> {
    let path = directory.join(format!("{name}.1"));
    std::fs::write(&path, page(command, name)?).map_err(|source| {
        let shown = quote::word(path.as_os_str().as_encoded_bytes());
        CliError::new(Kind::Environment, format!("cannot write {shown}"))
            .with_source(&source)
            .with_hint("name a directory that is there, and that you may write to")
    })?;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write_all(below, &format!("{name}-{}", below.get_name()), directory)?;
    }
    Ok(())
}

fn page(command: &Command, name: &str) -> Result<String, CliError> {
    let mut page = Vec::new();
    Man::new(command.clone())
        .title(name.to_uppercase())
        .render(&mut page)
        .map_err(|error| CliError::new(Kind::Internal, "cannot make the page").with_source(&error))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
