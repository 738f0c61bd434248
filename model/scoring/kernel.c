/* The walk of rows through the trees of a forest, for model/scoring/kernel.py.
 *
 * A processor that follows one path waits in every node for the number that decides where to go. So eight paths are
 * followed at once, each a step, without a branch: a leaf has itself as its left child and a threshold that nothing is
 * above, and a path that has arrived stays there until the slowest of the eight has. The eight are rows in one tree;
 * where fewer than eight rows are left, they are trees for one row. Where a row is explained, they are all of its trees:
 * each step is credited to a feature, and a path that has arrived is left out.
 *
 * The sums are scikit-learn's to the last bit: doubles, tree after tree, then divided by the number of trees.
 * Those of an explanation are added up step after step, in each of them tree after tree.
 * Nothing here allocates, keeps a state, or checks what it is given: model/scoring/packing.py has.
 */

#include <stdint.h>

#define PATHS 8

struct node {
    float threshold;
    int32_t feature;
    int32_t left; /* the right child stands behind it */
};

struct forest {
    const struct node *nodes;
    const uint8_t *missing_right; /* of a node: whether NaN goes right */
    const double *probability;    /* of a node */
    const int64_t *roots;
    int64_t trees;
};

/* Where a row goes from a node; a leaf is where it stays. */
static inline int32_t step(const struct forest *forest, const float *row, int32_t at, int gaps)
{
    const struct node node = forest->nodes[at];
    const float value = row[node.feature];
    int32_t next = node.left + (value > node.threshold);
    if (gaps)
        next += (value != value) & forest->missing_right[at];
    return next;
}

/* Follows eight paths from the nodes `at` to leaves; the row of a path begins at `cell` in `rows`. */
static inline void walk(const struct forest *forest, const float *rows, const int64_t *cell, int32_t *at, int gaps)
{
    int32_t moved;
    do {
        moved = 0;
        for (int path = 0; path < PATHS; path++) {
            const int32_t next = step(forest, rows + cell[path], at[path], gaps);
            moved |= next ^ at[path];
            at[path] = next;
        }
    } while (moved);
}

/* Adds the shares of all trees to the sums of `count` rows of float[width]. */
static inline void add(const struct forest *forest, const float *rows, int64_t count, int64_t width, double *sums,
                       int gaps)
{
    const int64_t whole = count - count % PATHS;
    int64_t cell[PATHS];
    int32_t at[PATHS];

    for (int64_t tree = 0; tree < forest->trees; tree++)
        for (int64_t row = 0; row < whole; row += PATHS) {
            for (int path = 0; path < PATHS; path++) {
                cell[path] = (row + path) * width;
                at[path] = (int32_t)forest->roots[tree];
            }
            walk(forest, rows, cell, at, gaps);
            for (int path = 0; path < PATHS; path++)
                sums[row + path] += forest->probability[at[path]];
        }

    for (int64_t row = whole; row < count; row++)
        for (int64_t tree = 0; tree < forest->trees; tree += PATHS) {
            const int64_t left = forest->trees - tree;
            const int paths = left < PATHS ? (int)left : PATHS;
            for (int path = 0; path < PATHS; path++) {
                cell[path] = row * width;
                at[path] = (int32_t)forest->roots[tree + (path < paths ? path : 0)];
            }
            walk(forest, rows, cell, at, gaps);
            for (int path = 0; path < paths; path++)
                sums[row] += forest->probability[at[path]];
        }
}

/* Adds the changes of the probability along a row's paths through all trees to the sums of the features they split on.
 * The paths that have not arrived are the first ones of `at`, int32[trees]. */
static void credit(const struct forest *forest, const float *row, int32_t *at, double *sums, int gaps)
{
    int64_t paths = forest->trees;

    for (int64_t tree = 0; tree < paths; tree++)
        at[tree] = (int32_t)forest->roots[tree];
    while (paths) {
        int64_t moved = 0;
        for (int64_t path = 0; path < paths; path++) {
            const int32_t here = at[path];
            const int32_t next = step(forest, row, here, gaps);
            /* Of a leaf nothing, to the first feature. */
            sums[forest->nodes[here].feature] += forest->probability[next] - forest->probability[here];
            at[moved] = next;
            moved += next != here;
        }
        paths = moved;
    }
}

/* As float; too large a number becomes an infinity. Whether one of them is NaN. */
static inline int narrowed(const double *wide, int64_t count, float *narrow)
{
    int gaps = 0;

    for (int64_t cell = 0; cell < count; cell++) {
        narrow[cell] = (float)wide[cell];
        gaps |= narrow[cell] != narrow[cell];
    }
    return gaps;
}

/* The score of each of `count` rows of double[width]: `scores`, double[count].
 * `block` rows at once go through all trees; `narrow`, float[block][width] or [count][width] if less, is overwritten. */
void forest_scores(const struct node *nodes, const uint8_t *missing_right, const double *probability,
                   const int64_t *roots, int64_t trees, const double *rows, int64_t count, int64_t width,
                   int64_t block, float *narrow, double *scores)
{
    const struct forest forest = {nodes, missing_right, probability, roots, trees};

    for (int64_t first = 0; first < count; first += block) {
        const int64_t some = count - first < block ? count - first : block;
        double *sums = scores + first;

        for (int64_t row = 0; row < some; row++)
            sums[row] = 0;
        if (narrowed(rows + first * width, some * width, narrow))
            add(&forest, narrow, some, width, sums, 1);
        else
            add(&forest, narrow, some, width, sums, 0);
        for (int64_t row = 0; row < some; row++)
            sums[row] /= (double)trees;
    }
}

/* What each feature adds to the score of each of `count` rows of double[width]: `credits`, double[count][width].
 * `narrow`, float[width], and `at`, int32[trees], are overwritten. */
void forest_credits(const struct node *nodes, const uint8_t *missing_right, const double *probability,
                    const int64_t *roots, int64_t trees, const double *rows, int64_t count, int64_t width,
                    float *narrow, int32_t *at, double *credits)
{
    const struct forest forest = {nodes, missing_right, probability, roots, trees};

    for (int64_t row = 0; row < count; row++) {
        double *sums = credits + row * width;

        for (int64_t cell = 0; cell < width; cell++)
            sums[cell] = 0;
        credit(&forest, narrow, at, sums, narrowed(rows + row * width, width, narrow));
        for (int64_t cell = 0; cell < width; cell++)
            sums[cell] /= (double)trees;
    }
}
