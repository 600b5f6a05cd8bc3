#include "recorded_llm/wire.h"

namespace passnet::recorded_llm {

const Wire& ChatWire() {
  static const Wire wire = {"/v1/chat/completions", "chatcmpl-", ParseCompletionRequest, RenderMessage, RenderEvents, RenderError};
  return wire;
}

std::array<const Wire*, 3> AllWires() { return {&ChatWire(), &ResponsesWire(), &MessagesWire()}; }

}  // namespace passnet::recorded_llm
