/* Element-wise comparison of two outputs for all tolerances at once, as torch.isclose rounds.
 * A shared object with a C interface, depending on torch and libc alone: it is built against the torch of the host where
 * it runs (docs/architecture.md, "Rooms and who may include whom"). Loaded by evaluator/lane only.
 * Threads: thread-safe, no state. Borrows every pointer for the call.
 *
 * For each element, torch.isclose(expected, actual, rtol, atol) is
 *     expected == actual || (isfinite(|e - a|) && |e - a| <= atol + |rtol * a|)
 * computed in the tensors' own dtype, so that |e - a| of bf16 or fp16 may overflow and is then not close
 * (aten/src/ATen/native/TensorCompare.cpp). Tolerances grow with the index, so one sweep finds
 * the tightest that holds for every element.
 */
#ifndef PASSNET_EVALUATOR_COMPARE_COMPARE_H_
#define PASSNET_EVALUATOR_COMPARE_COMPARE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PN_COMPARE_ABI 1

typedef struct {
  const void* expected;
  const void* actual;
  int32_t scalar_type;      /* c10::ScalarType, the same for both */
  int32_t tolerances;       /* entries of rtol and atol; ascending */
  int64_t count;            /* elements; both contiguous */
  const double* rtol;
  const double* atol;
} PnCompareInput;

typedef struct {
  int32_t tightest;         /* first index at which every element is close; == tolerances when there is none */
  int32_t bitwise_equal;
  int32_t equal;            /* torch.equal: all values equal (NaN differs from NaN) */
  int32_t nonfinite_mismatch; /* some element is NaN or infinite on one side only, or infinite with another sign */
  double max_abs_diff;      /* over elements where the difference is finite; 0 for none */
  int64_t first_bad;        /* index of the first element that is not close at the loosest tolerance, or -1 */
} PnCompareOutput;

/* 0 on success, -1 for a scalar type it does not know. */
int pn_compare(const PnCompareInput* input, PnCompareOutput* output);

#define PN_MISMATCHES_TOLD 4

typedef struct {
  int64_t index;
  double expected, actual;
} PnMismatch;

typedef struct {
  int64_t count;                        /* elements that are not close */
  int32_t told;                         /* entries of `first` that are filled in */
  PnMismatch first[PN_MISMATCHES_TOLD]; /* by index; the last entry is the last mismatch of all */
} PnMismatches;

/* Which elements are not close at one level of the input's tolerances. Element by element, so for what has failed only.
 * 0 on success, -1 for a scalar type it does not know. */
int pn_mismatches(const PnCompareInput* input, int32_t level, PnMismatches* output);

#ifdef __cplusplus
}
#endif
#endif
