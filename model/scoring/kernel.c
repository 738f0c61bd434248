/* The walk of rows through the trees of a forest, for model/scoring/kernel.py.
 *
 * A processor that follows one path waits in every node for the number that decides where to go. So eight paths are
 * followed at once, each a step, without a branch: a leaf has itself as its left child and a threshold that nothing is
 * above, and a path that has arrived stays there until the slowest of the eight has. The eight are rows in one tree;
 * where fewer than eight rows are left, they are trees for one row.
 *
 * The sums are scikit-learn's to the last bit: doubles, tree after tree, then divided by the number of trees.
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

/* Follows eight paths from the nodes `at` to leaves; the row of a path begins at `cell` in `rows`. */
static inline void walk(const struct forest *forest, const float *rows, const int64_t *cell, int32_t *at, int gaps)
{
    int32_t moved;
    do {
        moved = 0;
        for (int path = 0; path < PATHS; path++) {
            const struct node node = forest->nodes[at[path]];
            const float value = rows[cell[path] + node.feature];
            int32_t next = node.left + (value > node.threshold);
            if (gaps)
                next += (value != value) & forest->missing_right[at[path]];
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

/* The score of each of `count` rows of double[width]: `scores`, double[count].
 * `block` rows at once go through all trees; `narrow`, float[block][width] or [count][width] if less, is overwritten. */
void forest_scores(const struct node *nodes, const uint8_t *missing_right, const double *probability,
                   const int64_t *roots, int64_t trees, const double *rows, int64_t count, int64_t width,
                   int64_t block, float *narrow, double *scores)
{
    const struct forest forest = {nodes, missing_right, probability, roots, trees};

    for (int64_t first = 0; first < count; first += block) {
        const int64_t some = count - first < block ? count - first : block;
        const double *wide = rows + first * width;
        double *sums = scores + first;
        int gaps = 0;

        /* Too large a number becomes an infinity. */
        for (int64_t cell = 0; cell < some * width; cell++) {
            narrow[cell] = (float)wide[cell];
            gaps |= narrow[cell] != narrow[cell];
        }
        for (int64_t row = 0; row < some; row++)
            sums[row] = 0;
        if (gaps)
            add(&forest, narrow, some, width, sums, 1);
        else
            add(&forest, narrow, some, width, sums, 0);
        for (int64_t row = 0; row < some; row++)
            sums[row] /= (double)trees;
    }
}
