/* Calls libsvm's own svm_predict_values for many rows, so that no Python runs between them. */
void score_rows(double (*predict_values)(const void *, const void *, double *), const void *model, const void *const *rows,
                long count, double *scores)
{
    for (long row = 0; row < count; row++)
        predict_values(model, rows[row], scores + row);
}
