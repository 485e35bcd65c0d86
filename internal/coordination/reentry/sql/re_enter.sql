SELECT re_enter(@referral, @episode, @person, @service, @reason, @received_on::date)
