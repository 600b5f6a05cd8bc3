// Which name somebody meant who wrote one that does not exist.
// Threads: pure functions. Errors: none.
#pragma once

#include <string_view>
#include <vector>

namespace passnet::command_line {

// The name that `written` begins ("traj"), or else the one that fewest slips of typing turn into it (a letter missing,
// one too many, a wrong one, two swapped). "" when none is near: more than a third of the letters would be slips.
std::string_view ClosestName(std::string_view written, const std::vector<std::string_view>& names);

}  // namespace passnet::command_line
