// Loads and launches kernels that Triton has compiled. Triton's own launcher is C code that it compiles in the process that
// launches, which no timed process may; this one is told the kernel's signature. Every launch passes the observer.
// Threads: one; holds the GIL. Owns: loaded modules, for the process's life. Errors: Python's, with the CUDA error's name.
// Source: triton.backends.nvidia.driver (Triton 3.6 to 3.8): what its launcher is called with, and in which order a kernel
// takes its parameters.
#pragma once

#include <Python.h>

namespace passnet::worker {

// Adds triton_load(name, code, shared) -> (module, function, registers, spills, threads of a block at most) and the type
// TritonLauncher(name, signature, threads, shared) to the module; -1 with a Python error set.
int AddTritonLaunch(PyObject* module);

}  // namespace passnet::worker
