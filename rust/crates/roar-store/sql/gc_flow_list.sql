SELECT job, role, artifact, prior_artifact FROM job_file WHERE artifact IS NOT NULL OR prior_artifact IS NOT NULL;
