//! Every statement, by the name of its file in `sql/`.

macro_rules! statements {
    ($($name:ident = $file:literal,)+) => {
        $(pub(crate) const $name: &str = include_str!(concat!("../sql/", $file, ".sql"));)+

        /// All of them, for the tests.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$(($file, $name),)+];
    };
}

statements! {
    ARTIFACT_ADD = "artifact_add",
    ARTIFACT_FIND = "artifact_find",
    ARTIFACT_GET = "artifact_get",
    ARTIFACT_HASH_ADD = "artifact_hash_add",
    ARTIFACT_HASH_LIST = "artifact_hash_list",
    ARTIFACT_IDS_BY_PREFIX = "artifact_ids_by_prefix",
    ARTIFACT_SET_LAST = "artifact_set_last",
    ARTIFACT_SET_LAST_PRIOR = "artifact_set_last_prior",
    ARTIFACT_SET_SIZE = "artifact_set_size",
    ARTIFACT_USES = "artifact_uses",
    CONNECTION = "connection",
    DRAFT = "draft",
    FILE_LIST_OF_JOB = "file_list_of_job",
    FILE_LIST_OF_PATH = "file_list_of_path",
    FILE_LIST_OF_SESSION = "file_list_of_session",
    GAP_ADD = "gap_add",
    GAP_LIST = "gap_list",
    HASH_CACHE_FIND = "hash_cache_find",
    HASH_CACHE_PUT = "hash_cache_put",
    JOB_ADD = "job_add",
    JOB_ENV_LIST = "job_env_list",
    JOB_ENV_SET = "job_env_set",
    JOB_FELL_BACK_ADD = "job_fell_back_add",
    JOB_FELL_BACK_LIST = "job_fell_back_list",
    JOB_FILE_ADD = "job_file_add",
    JOB_FINISH = "job_finish",
    JOB_GET = "job_get",
    JOB_GIT_ADD = "job_git_add",
    JOB_GIT_GET = "job_git_get",
    JOB_ID_BY_STEP = "job_id_by_step",
    JOB_IDS = "job_ids",
    JOB_IDS_BY_PREFIX = "job_ids_by_prefix",
    JOB_IDS_OF_SESSION = "job_ids_of_session",
    JOB_IS_THERE = "job_is_there",
    JOB_LABEL_LIST = "job_label_list",
    JOB_LABEL_SET = "job_label_set",
    JOB_PACKAGE_ADD = "job_package_add",
    JOB_PACKAGE_LIST = "job_package_list",
    JOB_TRACER = "job_tracer",
    LOG_FOLD = "log_fold",
    LOG_USE = "log_use",
    PACKAGE_ADD = "package_add",
    PACKAGE_CACHE_FIND = "package_cache_find",
    PACKAGE_CACHE_PUT = "package_cache_put",
    PACKAGE_FIND = "package_find",
    PATH_ADD = "path_add",
    PATH_FIND = "path_find",
    PATH_IS_USED = "path_is_used",
    PATH_LIST_OF_SESSION = "path_list_of_session",
    PATH_SET_LAST = "path_set_last",
    PROCESS_ADD = "process_add",
    PROCESS_LIST = "process_list",
    SESSION_ADD = "session_add",
    SESSION_GET = "session_get",
    SESSION_OPEN = "session_open",
    TABLES_COUNT = "tables_count",
}

#[cfg(test)]
mod tests;
