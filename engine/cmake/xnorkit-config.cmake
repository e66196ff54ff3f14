# xnorkit::xnorkit is the shared library, xnorkit::static the static one.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/xnorkit-targets.cmake)
