SELECT patch.text, job_git.patch_note
FROM job_git LEFT JOIN patch ON patch.id = job_git.patch
WHERE job_git.job = ?1;
