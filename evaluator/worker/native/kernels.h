// Loads a compiled kernel (.so of a candidate's .cc) and makes its functions callable from Python with tensors passed
// as DLTensor, without copying. The interface a kernel sees is evaluator/worker/passnet_kernel.h.
// Threads: one; holds the GIL. Owns: the dlopen handle, never closed (a kernel may leave threads behind).
#pragma once

#include <Python.h>

namespace passnet::worker {

// Adds `load_kernel(path, name) -> Kernel` and its types to the module. 0 on success, -1 with a Python error set.
int AddKernels(PyObject* module);

}  // namespace passnet::worker
