// What a call of a candidate dispatches to torch and which of its kernels it launches, seen from below Python: a global
// callback of torch's own (ATen/record_function.h), which every operation passes on its way through the dispatcher whatever
// Python has switched off. Nothing is observed unless a run command asks for it; until then it costs a test of one integer.
// It lives in the candidate's process, so that what it tells is a claim (docs/integrity.md, section 6).
// Threads: the one that answers run commands. Errors: none of its own.
#pragma once

#include <Python.h>

#include <cstdint>
#include <string>

#include "evaluator/worker/native/recorder.h"
#include "evaluator/worker/passnet_kernel.h"

namespace passnet::worker::observer {

// `mode`: of PnObserve. A census forgets what was seen before.
void Begin(uint32_t mode);
void End();
bool On();

// Before each call of the graph.
void NextGraphCall();
// Around each call of the candidate's function.
void EnterCall(PyObject* const* args, size_t count);
void LeaveCall(PyObject* const* args, size_t count, PyObject* result);

// Before a kernel runs. True: it is to be left out, and its outputs were overwritten.
bool Launch(const recorder::KernelLaunch& launch, const DLTensor* outputs, int32_t count);

// Before a kernel runs that was launched past the above (Triton's). True: it is to be left out; what it would have written is
// not known, but memory that the call made is overwritten when it is made.
bool LaunchOtherwise(const std::string& kernel);

// What the last census saw, as the JSON of docs/worker_protocol.md, section 8.
std::string Tell(uint64_t nonce);

}  // namespace passnet::worker::observer
