// The C ABI of sandbox/apply as a shared object, for Python's ctypes. The linker must find nothing missing with the C
// library alone, as in the worker's Python extension.
#include "sandbox/apply/apply.h"

int (*const pn_testcase_keep)(const void*, size_t, struct pn_apply_error*) = pn_sandbox_apply;
