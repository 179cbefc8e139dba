[
    "about", "add_sample", "answer", "approve", "cancel", "close_map", "conflicts", "create_map", "discard", "edit",
    "export_map", "feature", "features_in", "go_offline", "go_online", "history", "import_file", "import_offered",
    "legend", "library", "map_view", "open_external", "open_map", "open_read_only", "pending", "proposals", "quit",
    "ready", "redo", "reject", "remove_map", "resolve", "save_now", "set_locale", "show_logs", "sign_in", "sync_log",
    "sync_view", "take_back", "take_offline", "undo", "viewport",
]
