// The calling loop of a worker process: waits for a run command, calls the installed function on the slots it names,
// tells where every output lies, answers with the nonce. No clock, no verdict, no seed.
// Threads: one; holds the GIL throughout. Owns: the process's side of its seat, and the outputs of the last run.
#pragma once

#include <Python.h>

namespace passnet::worker {

// Adds the type `Runner` to the module. 0 on success, -1 with a Python error set.
int AddRunner(PyObject* module);

}  // namespace passnet::worker
