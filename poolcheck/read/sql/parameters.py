"""The parameters that a session of PostgreSQL can set for itself."""

from poolcheck.read.sql.acts import SESSION_CHARACTERISTICS

_PARAMETERS = frozenset(
    """
    array_nulls backend_flush_after backslash_quote bytea_output check_function_bodies
    client_connection_check_interval client_encoding client_min_messages commit_delay commit_siblings
    compute_query_id constraint_exclusion cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost
    createrole_self_grant cursor_tuple_fraction datestyle deadlock_timeout debug_pretty_print
    debug_print_parse debug_print_plan debug_print_rewritten default_statistics_target
    default_table_access_method default_tablespace default_text_search_config default_toast_compression
    default_transaction_deferrable default_transaction_isolation default_transaction_read_only
    dynamic_library_path effective_cache_size effective_io_concurrency enable_async_append enable_bitmapscan
    enable_distinct_reordering enable_gathermerge enable_group_by_reordering enable_hashagg enable_hashjoin
    enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material enable_memoize
    enable_mergejoin enable_nestloop enable_parallel_append enable_parallel_hash enable_partition_pruning
    enable_partitionwise_aggregate enable_partitionwise_join enable_presorted_aggregate
    enable_self_join_elimination enable_seqscan enable_sort enable_tidscan escape_string_warning
    event_triggers exit_on_error extension_control_path extension_destdir extra_float_digits
    file_copy_method from_collapse_limit geqo geqo_effort geqo_generations geqo_pool_size geqo_seed
    geqo_selection_bias geqo_threshold gin_fuzzy_search_limit gin_pending_list_limit hash_mem_multiplier
    icu_validation_level idle_in_transaction_session_timeout idle_session_timeout intervalstyle
    io_combine_limit jit jit_above_cost jit_inline_above_cost jit_optimize_above_cost join_collapse_limit
    lc_messages lc_monetary lc_numeric lc_time lo_compat_privileges local_preload_libraries lock_timeout
    log_duration log_error_verbosity log_executor_stats log_lock_failures log_lock_waits
    log_min_duration_sample log_min_duration_statement log_min_error_statement log_min_messages
    log_parameter_max_length log_parameter_max_length_on_error log_parser_stats log_planner_stats
    log_replication_commands log_statement log_statement_sample_rate log_statement_stats log_temp_files
    log_transaction_sample_rate logical_decoding_work_mem maintenance_io_concurrency maintenance_work_mem
    max_parallel_maintenance_workers max_parallel_workers max_parallel_workers_per_gather max_stack_depth
    md5_password_warnings min_parallel_index_scan_size min_parallel_table_scan_size output_plugin_libraries
    parallel_leader_participation parallel_setup_cost parallel_tuple_cost password_encryption
    plan_cache_mode quote_all_identifiers random_page_cost recursive_worktable_factor role row_security
    scram_iterations search_path seed seq_page_cost session_authorization session_preload_libraries
    session_replication_role standard_conforming_strings statement_timeout stats_fetch_consistency
    synchronize_seqscans synchronous_commit tcp_keepalives_count tcp_keepalives_idle tcp_keepalives_interval
    tcp_user_timeout temp_buffers temp_file_limit temp_tablespaces timezone timezone_abbreviations
    track_activities track_cost_delay_timing track_counts track_functions track_io_timing
    track_wal_io_timing transaction_timeout transform_null_equals update_process_title
    vacuum_buffer_usage_limit vacuum_cost_delay vacuum_cost_limit vacuum_cost_page_dirty
    vacuum_cost_page_hit vacuum_cost_page_miss vacuum_failsafe_age vacuum_freeze_min_age
    vacuum_freeze_table_age vacuum_max_eager_freeze_failure_rate vacuum_multixact_failsafe_age
    vacuum_multixact_freeze_min_age vacuum_multixact_freeze_table_age vacuum_truncate wal_compression
    wal_init_zero wal_recycle wal_sender_timeout wal_skip_threshold work_mem xmlbinary xmloption
    """.split()  # noqa: SIM905 -- 186 quotes help nobody
)
"""Those that a user or a superuser can set, as `postgres --describe-config` of 15.18 and 18.6 has them, and role,
search_path, seed and session_authorization, which it hides."""


def is_parameter(name: str) -> bool:
    """Whether a name is that of a parameter: one of PostgreSQL's, or with a dot an extension's or one's own."""
    return "." in name or name in _PARAMETERS or name == SESSION_CHARACTERISTICS
