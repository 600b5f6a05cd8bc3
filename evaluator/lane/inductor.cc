#include "evaluator/lane/inductor.h"

#include <limits>

#include "evaluator/lane/worker_answer.h"

namespace passnet::evaluator {

Result<std::shared_ptr<InductorParent>> InductorParent::Start(std::shared_ptr<ForkParent> zygote, const std::string& device,
                                                              Deadline deadline) {
  constexpr const char* kWho = "the TorchInductor process";
  ForkSpec spec;
  spec.role = "inductor";
  spec.first_frame = Json{{"device", device}}.Dump();
  auto parent = std::make_shared<InductorParent>();
  ASSIGN_OR_RETURN(parent->process_, WorkerProcess::Fork(std::move(zygote), spec, deadline));
  ASSIGN_OR_RETURN(FrameWithFds frame, parent->process_->channel().ReceiveFrame(deadline, 1u << 20));
  ASSIGN_OR_RETURN(Json answer, ParseAnswer(frame.json, kWho));
  ASSIGN_OR_RETURN(std::optional<std::string> words, ErrorIn(answer, kWho));
  if (words) return Internal("TorchInductor does not work here: " + *words);
  int threads = 0;
  RETURN_IF_ERROR(ReadAnswer(answer, kWho, [&](FieldVisitor& fields) {
    fields.Required("tasks");
    VisitInteger(fields, "tasks", &threads, 1, std::numeric_limits<int>::max());
  }));
  if (threads != 1) {
    return Internal(std::string(kWho) + " has " + std::to_string(threads) +
                    " threads after its first compile and must have one to be forked");
  }
  return parent;
}

}  // namespace passnet::evaluator
