# Read by cpack: every time in the package is that of the newest entry of the changelog, whenever it is made.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
    execute_process(COMMAND dpkg-parsechangelog -l${CPACK_STOWAGE_CHANGELOG} -S Timestamp
        OUTPUT_VARIABLE moment OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    set(ENV{SOURCE_DATE_EPOCH} ${moment})
endif()
