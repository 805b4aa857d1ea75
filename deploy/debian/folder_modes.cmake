# Run by cpack before it packs: the umask of whoever makes the package is not to be in it.
execute_process(COMMAND find ${CPACK_TEMPORARY_INSTALL_DIRECTORY} -type d -exec chmod 0755 {} +
    COMMAND_ERROR_IS_FATAL ANY)
