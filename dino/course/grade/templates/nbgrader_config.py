c = get_config()
c.CourseDirectory.course_id = "dino"
c.ExecutePreprocessor.timeout = 600
# The cells to solve hold no answers that would have to be taken out.
c.GenerateAssignment.preprocessors = [
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
