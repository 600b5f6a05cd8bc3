// What of each call of the candidate's function could be done again without its Python: the memory that it made, and its
// kernels' launches in order with where each argument lies. Where that is not all that a call did, it says why. Listened to
// by the observer during a census; it lives in the candidate's process, so that what it tells is a claim.
// Threads: the one that answers run commands. Errors: none of its own. Owns: the memory of a call, until the call ends.
#pragma once

#include <Python.h>

#include <string>
#include <string_view>

#include "evaluator/worker/passnet_kernel.h"

namespace at {
class Tensor;
}

namespace passnet::worker::recorder {

// Forgets what was recorded.
void Begin();
// From now on calls belong to the next call of the graph, which has to make the same ones as the first.
void NextGraphCall();

// Around each call of the candidate's function.
void EnterCall(PyObject* const* args, size_t count);
void LeaveCall(PyObject* result);

// Inside it: memory without content was made; torch itself wrote something; a kernel is about to run.
void Made(const at::Tensor& tensor);
void Wrote(std::string_view operation);

struct KernelLaunch {
  PyObject* kernel;    // name of its file, without suffix
  PyObject* function;
  PyObject* inputs;    // tuples or lists of strided tensors
  PyObject* outputs;
  const PnScalar* scalars;
  int32_t scalar_count;
};
void Launch(const KernelLaunch& launch);
// A kernel that no list holds is about to run.
void LaunchedOtherwise();

// The JSON of docs/worker_protocol.md, section 8.
std::string Tell();

}  // namespace passnet::worker::recorder
