//! The window of Bivouac: a shell around [`bivouac_app::desk::Desk`] that only passes on. What it
//! decides itself: how the window is drawn, what may be opened, and when the program ends.

mod arguments;
mod commands;
mod host;
mod links;
mod renderer;
mod sign_in;
mod window;

use std::process::ExitCode;
use std::sync::Arc;

use bivouac_app::desk::Desk;
use tauri::{Manager, RunEvent};

use arguments::Arguments;
use host::Face;
use window::Arrivals;

/// Runs the program to its end.
#[must_use]
pub fn start() -> ExitCode {
    let arguments = Arguments::of(std::env::args_os().skip(1));
    if arguments.help {
        return arguments::help();
    }
    renderer::settle(arguments.renderer);
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            arguments::complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|app, given, folder| window::started_again(app, &given, &folder)))
        .plugin(window::logs())
        .plugin(tauri_plugin_window_state::Builder::default().with_denylist(&[sign_in::LABEL]).build())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::Builder::new().open_js_links_on_click(false).build())
        .invoke_handler(commands::handler())
        .setup(move |app| {
            let face = Arc::new(Face::new(app.handle().clone()));
            let desk = Desk::new(&arguments.folder()?, arguments.secrets, face)?;
            if arguments.sample && desk.library().is_ok_and(|library| library.maps.is_empty()) {
                desk.add_sample().map_err(|problem| problem.text)?;
            }
            app.manage(Arc::new(desk));
            app.manage(Arrivals::default());
            app.manage(commands::Locale::default());
            window::open(app.handle())?;
            for given in &arguments.given {
                window::arrived(app.handle(), given);
            }
            Ok(())
        })
        .on_window_event(window::happened)
        .build(tauri::generate_context!())?;
    app.run(|app, event| {
        if let RunEvent::Exit = event {
            window::end(app);
        }
    });
    Ok(())
}
