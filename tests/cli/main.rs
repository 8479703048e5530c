//! The binary over copies of fixtures/border-mta, through `--root`. Postfix is not needed; what makes instances, and so
//! gives files to several users, takes root privilege, and fails without it.

mod broken;
mod check;
mod command_terminal;
mod concurrent;
mod delegated;
mod destroy;
mod dry_run;
mod environment;
mod examples;
mod hint;
mod host;
mod information;
mod interrupted;
mod jobs;
mod lifecycle;
mod limits;
mod list;
mod lock;
mod mended;
mod operands;
mod output;
mod places;
mod programs;
mod reads;
mod refused;
mod resources;
mod running;
mod save;
mod screen;
mod session;
mod set_permissions;
mod shown;
mod status;
mod transaction;
mod tree;
